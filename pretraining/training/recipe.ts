import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Everything that decides the bits of the model beside the data. */
export interface Recipe {
  readonly seed: number;
  readonly mlmSteps: number;
  readonly distillationSteps: number;
  readonly mlmRate: number;
  readonly distillationRate: number;
  /** Tokens of a packed row, and the most of any row. */
  readonly length: number;
  /** Rows of a batch. */
  readonly mlmRows: number;
  readonly distillationRows: number;
  /** In the second phase every so many batches one is of the first phase's kind. */
  readonly mlmEvery: number;
}

export const recipe: Recipe = {
  seed: 1,
  mlmSteps: 1200,
  distillationSteps: 6000,
  mlmRate: 1e-3,
  distillationRate: 1e-3,
  length: 64,
  mlmRows: 32,
  distillationRows: 96,
  mlmEvery: 4,
};

/** What a run leaves in its folder. */
export const placesIn = (folder: string) => ({
  checkpoints: path.join(folder, 'checkpoints'),
  recipe: path.join(folder, 'checkpoints', 'recipe.json'),
  log: path.join(folder, 'log.jsonl'),
  mlm: path.join(folder, 'mlm'),
  model: path.join(folder, 'model'),
});

/** Removes what an earlier run left. */
export function startAfresh(folder: string): void {
  const { checkpoints, log, mlm, model } = placesIn(folder);
  for (const place of [checkpoints, log, mlm, model]) rmSync(place, { recursive: true, force: true });
}

/** Refuses to go on with a run of another recipe. */
export function requireSameRecipe(folder: string, wanted: Recipe): void {
  const { checkpoints, recipe: file } = placesIn(folder);
  const text = `${JSON.stringify(wanted, null, 2)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') !== text)
    throw new Error(`${file} is of a run with other arguments: give the same ones to go on with it, or --fresh to start anew.`);
  mkdirSync(checkpoints, { recursive: true });
  writeFileSync(file, text);
}
