import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** What a run leaves in its folder; the recipe stays beside the models that it made. */
export const placesIn = (folder: string) => ({
  checkpoints: path.join(folder, 'checkpoints'),
  recipe: path.join(folder, 'recipe.json'),
  log: path.join(folder, 'log.jsonl'),
  mlm: path.join(folder, 'mlm'),
  model: path.join(folder, 'model'),
});

/** Removes what an earlier run left. */
export function startAfresh(folder: string): void {
  for (const place of Object.values(placesIn(folder))) rmSync(place, { recursive: true, force: true });
}

/** Refuses to go on with a run of another recipe, and to make a finished one again. */
export function requireUnfinished(folder: string, wanted: Recipe): void {
  const { recipe: file, model } = placesIn(folder);
  const text = `${JSON.stringify(wanted, null, 2)}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') !== text)
    throw new Error(`${file} is of a run with other arguments: give the same ones to go on with it, or --fresh to start anew.`);
  if (existsSync(model))
    throw new Error(`${model} is the finished model of this recipe: publish it, or --fresh to make it anew.`);
  writeFileSync(file, text);
}
