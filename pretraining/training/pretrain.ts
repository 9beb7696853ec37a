import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import {
  adamW,
  batches,
  clipped,
  fit,
  linear,
  loadModel,
  type Batch,
  type Batches,
  type PretrainedModel,
  type Term,
  type TextModel,
} from '../../src';
import { maskTokens, type Masked } from '../../src/prompting';
import { alternating } from './alternating';
import { digestOf } from './digest';
import { maskedExamples, taughtExamples } from './examples';
import { openLog, type LogLine } from './log';
import { distillationAndMlm, mlm, projections } from './objectives';
import { placesIn, requireUnfinished, type Recipe } from './recipe';
import { studentOf } from './student';
import { taught } from './taught';
import { readTeachers } from './teachers';

export interface PretrainOptions {
  /** Holds the data and `init/`; gets `mlm/`, `model/`, `log.jsonl` and `checkpoints/`. */
  readonly folder: string;
  readonly recipe: Recipe;
  /** Steps of both phases after which it stops, without leaving anything in the folder. Default: the whole recipe. */
  readonly steps?: number;
  readonly checkpointEvery: number;
  readonly logEvery?: number;
  readonly signal?: AbortSignal;
  readonly onLine?: (line: LogLine) => void;
}

interface Phase<B extends Batch> {
  readonly name: string;
  readonly seed: number;
  readonly objective: Term<B>;
  readonly data: Batches<B>;
  readonly rate: number;
  /** What the schedule is made for, and where to stop. */
  readonly steps: number;
  readonly until: number;
}

/**
 * Trains the student: masked language modelling, then distillation. Goes on where an earlier run in the folder stopped, to the same bits.
 *
 * @returns the digest of the weights at the end
 * @throws HoldfastError `aborted` when the signal stopped it; a checkpoint has been written
 */
export async function pretrain(options: PretrainOptions): Promise<string> {
  const { folder, recipe, steps = Infinity } = options;
  const places = placesIn(folder);
  const kept = options.steps === undefined;
  if (kept) requireUnfinished(folder, recipe);

  const second = kept && existsSync(places.mlm);
  const model = await loadModel(second ? places.mlm : path.join(folder, 'init'), { pooling: 'mean' });
  if (!model.hasMaskedLmHead) model.addMaskedLmHead({ seed: recipe.seed });
  const masked = await maskedData(folder, model, recipe);
  const { student, dispose } = studentOf(model, { projections, seed: recipe.seed });
  try {
    if (!second) {
      const own: TextModel = { ...student, trainable: model.trainable };
      const until = Math.min(recipe.mlmSteps, steps);
      const { seed, mlmSteps, mlmRate: rate } = recipe;
      await run(own, options, { name: 'mlm', seed, objective: mlm, data: masked, rate, steps: mlmSteps, until });
      if (kept) await model.save(places.mlm);
    }
    const rest = Math.min(recipe.distillationSteps, steps - recipe.mlmSteps);
    if (rest > 0) {
      const { seed, distillationSteps, distillationRate: rate, distillationRows: batchSize, length, mlmEvery } = recipe;
      const { examples, languages } = taughtExamples(folder);
      const own = taught(batches(examples, { batchSize, maxLength: length }), readTeachers(folder, languages));
      const data = alternating(own, masked, mlmEvery);
      const phase = { objective: distillationAndMlm, data, rate, steps: distillationSteps, until: rest };
      await run(student, options, { name: 'distillation', seed: seed + 1, ...phase });
      if (kept) await model.save(places.model);
    }
    if (kept) rmSync(places.checkpoints, { recursive: true, force: true });
    return await digestOf(student.weights);
  } finally {
    dispose();
    model.dispose();
  }
}

async function maskedData(folder: string, { tokenizer }: PretrainedModel, recipe: Recipe): Promise<Batches<Masked>> {
  const { length, seed, mlmRows: batchSize } = recipe;
  return maskTokens(batches(await maskedExamples(folder, { tokenizer, length, seed }), { batchSize, maxLength: length }));
}

/** One phase, from its start or from its checkpoint. */
async function run<B extends Batch>(model: TextModel, options: PretrainOptions, phase: Phase<B>): Promise<void> {
  const { folder, checkpointEvery, logEvery = 50, signal, onLine, steps: limit } = options;
  const { name, seed, objective, data, rate, steps, until } = phase;
  const places = placesIn(folder);
  const kept = limit === undefined;
  const checkpoint = path.join(places.checkpoints, name);
  const resume = kept && existsSync(checkpoint) ? checkpoint : undefined;
  const from = resume === undefined ? 0 : stepOf(resume);
  const log = openLog(kept ? places.log : undefined, { every: logEvery, phase: name, from, onLine });
  const schedule = linear({ peak: rate, warmup: Math.min(200, Math.floor(steps / 10)), steps });
  const optimizer = clipped(adamW({ learningRate: schedule, weightDecay: 0.01 }), { norm: 1 });
  try {
    await fit(model, {
      objective,
      data,
      optimizer,
      seed,
      steps: until,
      ...(kept && { checkpoint: { folder: checkpoint, everySteps: checkpointEvery } }),
      ...(resume !== undefined && { resume }),
      ...(signal && { signal }),
      onEvent: (event) => {
        if (event.type === 'step') log.add(name, event);
      },
    });
  } finally {
    optimizer.dispose();
  }
}

const stepOf = (checkpoint: string): number => {
  const { progress } = JSON.parse(readFileSync(path.join(checkpoint, 'holdfast.json'), 'utf8')) as { progress: { step: number } };
  return progress.step;
};
