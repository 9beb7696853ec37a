import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder as small } from 'holdfast-small';
import seedrandom from 'seedrandom';
import { readJsonl, shuffled, type Example } from '../../src';
import { readAll } from '../../src/data/source';

/** An encoder, how much of the English rows it learns from, and how. */
export interface Setup {
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
export const sib200 = fromHere('../../../shared/data/sib200');
export const dictionaries = fromHere('../../../shared/data/dictionaries');

/** What the model of pretraining was before it learned from teachers, where `pretraining/train.ts` ran here. */
const mlm = fromHere('../../runs/pretraining/mlm');
const e5 = { model: fromHere('../../../shared/models/e5-multilingual'), prefix: 'query: ', learningRate: 5e-5, headRate: 5e-5 };
const own = { prefix: '', learningRate: 3e-4, headRate: 1e-3 };

/** Counts up when a change makes earlier runs another measurement. */
export const version = 1;

export const setups: Readonly<Record<string, Setup>> = {
  e5: { ...e5, perLabel: Infinity, epochs: 3 },
  'e5-16': { ...e5, perLabel: 16, epochs: 20 },
  small: { ...own, model: small, perLabel: Infinity, epochs: 10 },
  'small-16': { ...own, model: small, perLabel: 16, epochs: 20 },
  mlm: { ...own, model: mlm, perLabel: Infinity, epochs: 10 },
  'mlm-16': { ...own, model: mlm, perLabel: 16, epochs: 20 },
};

/** The language with labels first, then those that the dictionaries know, then others. */
export const languages = ['eng', 'deu', 'spa', 'fra', 'zho_Hans', 'swh', 'hin', 'tur'] as const;
export type Language = (typeof languages)[number];
/** What is called the mean: those with a dictionary. */
export const withDictionary = ['deu', 'spa', 'fra', 'zho_Hans'] as const;

export const batchSize = 32;

/** English rows to learn from; which ones depends on the seed where not all are taken. */
export async function trainRows({ prefix, perLabel }: Setup, seed: number): Promise<Example[]> {
  const rows = shuffled(await read('eng', 'train', prefix), seedrandom(`crosslingual/${seed}`));
  const taken = new Map<string, number>();
  return rows.filter(({ label = '' }) => {
    taken.set(label, (taken.get(label) ?? 0) + 1);
    return taken.get(label)! <= perLabel;
  });
}

export async function testRows({ prefix }: Setup, most: number): Promise<Record<Language, Example[]>> {
  const rows = languages.map(async (language) => [language, (await read(language, 'test', prefix)).slice(0, most)] as const);
  return Object.fromEntries(await Promise.all(rows)) as Record<Language, Example[]>;
}

async function read(language: Language, part: string, prefix: string): Promise<Example[]> {
  const rows = await readAll('crosslingual', readJsonl(path.join(sib200, language, `${part}.jsonl`)));
  return rows.map((row) => ({ ...row, text: prefix + row.text }));
}
