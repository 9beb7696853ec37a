import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError } from '../core/errors';
import type { Batch } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';
import type { TextModel } from '../model/types';
import { requireFitOptions, type FitOptions } from './fitOptions';
import { notFinite } from './notFinite';
import { meanLoss, type EvaluationRecord, type History } from './progress';
import { emit, openRun, saveRun, type Run } from './run';
import { putBack, snapshotOf } from './snapshot';
import { stepBatches } from './stepBatches';
import { takeStep } from './takeStep';

export interface FitResult {
  /** The one given, or the one drawn. */
  readonly seed: number;
  /** Of the whole run, those before a resume included. */
  readonly steps: number;
  /** Whole epochs, likewise. */
  readonly epochs: number;
  /** Mean of the last epoch, whole or begun. */
  readonly loss: number;
  readonly history: History;
  /** The evaluation whose weights the model has now. */
  readonly best?: EvaluationRecord;
}

/**
 * Trains a model: each step takes the gradient of the objective on the next batch and lets the optimizer change the weights.
 *
 * The result depends on the options and the seed alone: two runs give the same bits, and so does one that was interrupted and resumed.
 * With `evaluate`, the model ends with the best weights, else with the last.
 *
 * **Needs** batches that bring what the objective reads; a missing view does not compile.
 * **Cost** per step one gradient of each of `accumulate` batches, times what the transforms add; memory for one batch's evaluation.
 * **Limits** one `fit` at a time per model. If the loss or the gradient is not finite, or on `signal`, it stops with the weights of the
 * last good step.
 *
 * @throws HoldfastError `bad-argument`, `bad-data` (no batches), `not-finite`, `aborted`; with `resume` also `bad-config`, `bad-weights`, `newer-format`
 * @see `createStep` for a loop of one's own
 * @example
 * await fit(model, { objective: crossEntropy(), data: batches(train, { head }), optimizer: adamW({ learningRate: 3e-4 }), epochs: 2, seed: 1 });
 */
export async function fit<B extends Batch>(model: TextModel, options: FitOptions<B>): Promise<FitResult> {
  requireFitOptions(options);
  const run = await openRun(model, options);
  const {
    epochs = options.steps === undefined ? 1 : Infinity,
    steps = Infinity,
    evaluate: { patience = Infinity } = {},
  } = options;
  const finished = () => run.progress.step >= steps || run.progress.epoch >= epochs || run.progress.waited >= patience;
  try {
    while (!finished()) {
      const began = performance.now();
      if (await runEpoch(run, finished)) await endEpoch(run, performance.now() - began);
    }
    if (options.evaluate && run.progress.history.evaluations.at(-1)?.step !== run.progress.step) await evaluateNow(run);
    putBack(model, run.best);
    const { seed, step, epoch, history, best } = run.progress;
    return { seed, steps: step, epochs: epoch, loss: meanLoss(run.progress), history, ...(best && { best }) };
  } finally {
    tf.dispose(run.best);
  }
}

/** Trains to the end of the epoch: true. Or to the end of the training: false. */
async function runEpoch<B extends Batch>(run: Run<B>, finished: () => boolean): Promise<boolean> {
  const { model, options, progress } = run;
  const { data, accumulate = 1, evaluate, checkpoint } = options;
  await requireNotAborted(run);
  let began = performance.now();
  for await (const group of stepBatches(
    data.open({ model, seed: progress.seed, epoch: progress.epoch, skip: progress.batch }),
    accumulate,
  )) {
    try {
      await requireNotAborted(run);
      await step(run, group, began);
    } finally {
      group.forEach(disposeBatch);
    }
    const { step: done } = run.progress;
    if (evaluate?.every && 'steps' in evaluate.every && done % evaluate.every.steps === 0) await evaluateNow(run);
    if (checkpoint && done % checkpoint.everySteps === 0) await saveRun(run, checkpoint.folder);
    if (finished()) return false;
    began = performance.now();
  }
  if (run.progress.batch === 0) throw new HoldfastError('bad-data', `fit: the data gave no batch in epoch ${progress.epoch}.`);
  return true;
}

async function step<B extends Batch>(run: Run<B>, group: readonly B[], began: number): Promise<void> {
  const { model, options, progress, rng } = run;
  const { optimizer, count = ({ examples }: B) => examples.length } = options;
  const parts = group.map((batch) => ({ batch, count: count(batch) }));
  const odd = parts.find((part) => !(part.count > 0 && Number.isFinite(part.count)));
  if (odd) throw badArgument('fit', `count must be a number > 0 for every batch, got ${odd.count}`);

  const outcome = await takeStep(model, optimizer, run.gradient, parts);
  const { loss, gradientNorm } = outcome;
  const rate = optimizer.rate?.();
  const at = { step: progress.step + 1, epoch: progress.epoch };
  if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
    throw notFinite({ ...outcome, ...at, lastLoss: progress.lastLoss, rate });

  const counted = parts.reduce((sum, part) => sum + part.count, 0);
  run.progress = {
    ...progress,
    step: at.step,
    draws: rng.counter,
    batch: progress.batch + group.length,
    lossSum: progress.lossSum + loss * counted,
    countSum: progress.countSum + counted,
    lastLoss: loss,
  };
  const examples = group.reduce((sum, batch) => sum + batch.examples.length, 0);
  emit(run, {
    type: 'step',
    ...at,
    ...outcome,
    ...(rate !== undefined && { rate }),
    examples,
    milliseconds: performance.now() - began,
  });
}

async function endEpoch<B extends Batch>(run: Run<B>, milliseconds: number): Promise<void> {
  const { progress, options } = run;
  const record = { epoch: progress.epoch, step: progress.step, loss: meanLoss(progress) };
  const history = { ...progress.history, epochs: [...progress.history.epochs, record] };
  run.progress = { ...progress, epoch: progress.epoch + 1, batch: 0, lossSum: 0, countSum: 0, history };
  emit(run, { type: 'epoch', ...record, milliseconds });
  const { every = { epochs: 1 } } = options.evaluate ?? {};
  if (options.evaluate && 'epochs' in every && run.progress.epoch % every.epochs === 0) await evaluateNow(run);
}

async function evaluateNow<B extends Batch>(run: Run<B>): Promise<void> {
  const { run: measure, better = (value: number, best: number) => value > best } = run.options.evaluate!;
  const began = performance.now();
  const value = await measure(run.model);
  if (Number.isNaN(value))
    throw new HoldfastError('not-finite', 'fit: evaluate.run gave NaN, which no weights can be chosen by.');
  const { progress } = run;
  const record = { step: progress.step, epoch: progress.epoch, value };
  const best = !progress.best || better(value, progress.best.value);
  if (best) {
    tf.dispose(run.best);
    run.best = snapshotOf(run.model);
  }
  const history = { ...progress.history, evaluations: [...progress.history.evaluations, record] };
  run.progress = { ...progress, history, ...(best ? { best: record, waited: 0 } : { waited: progress.waited + 1 }) };
  emit(run, { type: 'evaluation', ...record, best, milliseconds: performance.now() - began });
}

async function requireNotAborted<B extends Batch>(run: Run<B>): Promise<void> {
  const { signal, checkpoint } = run.options;
  if (!signal?.aborted) return;
  if (checkpoint) await saveRun(run, checkpoint.folder);
  const { step } = run.progress;
  throw new HoldfastError('aborted', `fit: stopped by its signal after ${step} steps; the weights are those of the last one.`, {
    cause: signal.reason,
  });
}
