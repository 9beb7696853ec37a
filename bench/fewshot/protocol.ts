import path from 'node:path';
import { readJsonl, type Example } from '../../src';
import { readAll } from '../../src/data/source';
import { methods, type FewShotMethod, type FewShotRun, type ModelKind, type Settings } from './methods';
import type { FewShotOptions } from './options';
import { firstOfEach } from '../support/firstOfEach';
import { inferenceRows, tasks, type FewShotTask } from './tasks';
import type { RunKey } from './results';

/** Counts up when a change makes earlier runs another measurement. */
export const version = 1;

const usual = {
  settings: { epochs: 20, eflEpochs: 10, batchSize: 16 },
  rows: Infinity,
  test: Infinity,
  inference: Infinity,
  unlabelled: 500,
  stage: Infinity,
};
/** To see that all of it runs. */
const short = {
  settings: { epochs: 1, eflEpochs: 1, batchSize: 16 },
  rows: 2,
  test: 40,
  inference: 64,
  unlabelled: 20,
  stage: 64,
};

export interface FewShotProtocol {
  readonly settings: Settings;
  /** Rows of each label to learn from. */
  readonly rows: number;
  readonly test: number;
  readonly inference: number;
  /** Texts without labels that a method labels; and that a stage learns from. */
  readonly unlabelled: number;
  readonly stage: number;
}

export const protocolOf = ({ small }: Pick<FewShotOptions, 'small'>): FewShotProtocol => (small ? short : usual);

/** What is wanted: a seed of every method before the next seed; what learns from no rows has one seed, what needs texts without labels has some. */
export const wantedRuns = (options: Omit<FewShotOptions, 'json' | 'threads' | 'out'>): RunKey[] =>
  options.seeds.flatMap((seed, s) =>
    options.tasks.flatMap((task) =>
      options.methods
        .filter((method) => s === 0 || methods[method]!.learns !== false)
        .filter((method) => tasks[task]!.unlabelled !== undefined || !methods[method]!.unlabelled)
        .map((method) => ({ protocol: nameOf(options, tasks[task]!, methods[method]!), task, method, seed })),
    ),
  );

/** What must be the same for two runs to be seeds of one. */
function nameOf({ small, nliEpochs }: Pick<FewShotOptions, 'small' | 'nliEpochs'>, task: FewShotTask, { model }: FewShotMethod) {
  const folder = path.basename(path.resolve(fillsGaps(model) ? task.masked : task.encoder));
  return [`${version}${small ? '-small' : ''}`, folder, ...(model === 'inference' ? [`nli-${nliEpochs}`] : [])].join('/');
}

const fillsGaps = (model: ModelKind): boolean => model === 'masked' || model === 'after-mlm';

/** The rows of a file; those for a model that was trained to have something before each text begin with it. */
async function read({ fields = {}, prefix }: FewShotTask, model: ModelKind, file: string): Promise<Example[]> {
  const all = await readAll('fewshot', readJsonl(file, fields));
  return fillsGaps(model) ? all : all.map((row) => prefixed(row, prefix));
}

export async function rowsOf(
  task: FewShotTask,
  { model, unlabelled: reads }: Pick<FewShotMethod, 'model' | 'unlabelled'>,
  seed: number,
  { rows, test, unlabelled }: FewShotProtocol,
): Promise<Pick<FewShotRun, 'train' | 'dev' | 'test' | 'unlabelled'>> {
  const files = task.files(seed);
  return {
    train: firstOfEach(await read(task, model, files.train), rows),
    dev: firstOfEach(await read(task, model, files.dev), rows),
    test: (await read(task, model, files.test)).slice(0, test),
    unlabelled: reads ? await unlabelledRows(task, model, unlabelled) : [],
  };
}

/** Texts without labels of a task that has some. */
export const unlabelledRows = async (task: FewShotTask, model: ModelKind, most: number): Promise<Example[]> =>
  (await read(task, model, task.unlabelled!)).slice(0, most);

/** The rows of the first stage of EFL. */
export async function inferenceRowsOf({ prefix }: FewShotTask, { inference }: FewShotProtocol): Promise<Example[]> {
  const rows = await readAll('fewshot', readJsonl(inferenceRows, { text: 'premise', pair: 'hypothesis' }));
  return rows.slice(0, inference).map((row) => prefixed(row, prefix));
}

const prefixed = (row: Example, prefix = ''): Example => ({ ...row, text: `${prefix}${row.text}` });
