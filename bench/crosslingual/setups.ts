import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder as small } from 'holdfast-small';
import seedrandom from 'seedrandom';
import { shuffled, type Example } from '../../src';
import { firstOfEach } from '../support/firstOfEach';
import { readTask, tasks, type CrosslingualTask, type Language } from './tasks';

/** An encoder, how much of the English rows it learns from, and how. */
export interface Setup {
  readonly task: CrosslingualTask;
  readonly model: string;
  /** What the encoder was trained to read before each text. */
  readonly prefix: string;
  /** Rows of each label. */
  readonly perLabel: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly headRate: number;
}

const fromHere = (relative: string) => path.relative('', fileURLToPath(new URL(relative, import.meta.url)));

/** What the model of pretraining was before it learned from teachers, where `pretraining/train.ts` ran here. */
const mlm = fromHere('../../runs/pretraining/mlm');
const { topics, inference } = tasks;
const e5 = { model: fromHere('../../../shared/models/e5-multilingual'), prefix: 'query: ', learningRate: 5e-5, headRate: 5e-5 };
const own = { prefix: '', learningRate: 3e-4, headRate: 1e-3 };
const pairs = { task: inference, perLabel: 1000 };

/** Counts up when a change makes earlier runs another measurement. */
export const version = 1;

export const setups: Readonly<Record<string, Setup>> = {
  e5: { ...e5, task: topics, perLabel: Infinity, epochs: 3 },
  'e5-16': { ...e5, task: topics, perLabel: 16, epochs: 20 },
  'e5-pairs': { ...e5, ...pairs, headRate: 1e-3, epochs: 2 },
  small: { ...own, task: topics, model: small, perLabel: Infinity, epochs: 10 },
  'small-16': { ...own, task: topics, model: small, perLabel: 16, epochs: 20 },
  'small-pairs': { ...own, ...pairs, model: small, epochs: 5 },
  mlm: { ...own, task: topics, model: mlm, perLabel: Infinity, epochs: 10 },
  'mlm-16': { ...own, task: topics, model: mlm, perLabel: 16, epochs: 20 },
};

export const batchSize = 32;

/** English rows to learn from; which ones depends on the seed where not all are taken. */
export async function trainRows({ task, prefix, perLabel }: Setup, seed: number): Promise<Example[]> {
  const rows = shuffled(await readTask(task, task.train, prefix), seedrandom(`crosslingual/${seed}`));
  return firstOfEach(rows, perLabel);
}

export async function testRows({ task, prefix }: Setup, most: number): Promise<[Language, Example[]][]> {
  const files = Object.entries(task.tests) as [Language, string][];
  return Promise.all(
    files.map(
      async ([language, file]) => [language, (await readTask(task, file, prefix)).slice(0, most)] as [Language, Example[]],
    ),
  );
}
