import * as tf from '@tensorflow/tfjs';
import { squaredNorm } from '../core/tensors';
import type { Batch, GradientFn, Model, Rows, Tensors, Updater } from '../core/types';
import { cut } from '../engine/cut';
import { lend } from '../engine/lend';
import { settled } from '../engine/settled';
import { accumulated, type Part } from './accumulate';
import type { Report } from './events';
import { putBack, snapshotOf } from './snapshot';

export interface StepOutcome {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly reports: Readonly<Record<string, Report>>;
}

/**
 * One update from one or several batches, and its numbers. They are read first: if the loss or the gradient is not finite, the optimizer
 * never sees it and nothing has changed. If the engine fails, the weights are what they were before.
 */
export async function takeStep<B extends Batch>(
  model: Model,
  optimizer: Updater,
  evaluate: GradientFn<B>,
  parts: readonly Part<B>[],
): Promise<StepOutcome> {
  let rows: Rows = {};
  const { loss, norm, grads, reports } = tf.tidy(() => {
    const evaluation = accumulated(evaluate, model.weights, parts);
    rows = evaluation.rows;
    const norm = tf.sqrt(squaredNorm(evaluation.grads));
    cut();
    return { loss: evaluation.loss, norm, grads: { ...evaluation.grads }, reports: { ...evaluation.reports } };
  });
  try {
    const [[readLoss], [readNorm], readReports] = await Promise.all([loss.data(), norm.data(), valuesOf(reports)]);
    const outcome = { loss: readLoss!, gradientNorm: readNorm!, reports: readReports };
    if (Number.isFinite(outcome.loss) && Number.isFinite(outcome.gradientNorm)) await update(model, optimizer, grads, rows);
    await turn();
    return outcome;
  } finally {
    tf.dispose([loss, norm, grads, reports]);
  }
}

/** On a lazy engine a weight is a promise after the update, and a failure would leave it broken: then the old one is put back. */
async function update(model: Model, optimizer: Updater, grads: Tensors, rows: Rows): Promise<void> {
  // Clones share memory: they cost none, and lent they do not keep the update from writing in place.
  const before = snapshotOf(model, Object.keys(grads));
  const loan = lend(Object.values(before));
  try {
    tf.tidy(() => {
      optimizer.apply(model.weights, grads, rows);
      cut();
    });
    await settled();
  } catch (cause) {
    // A table that was written in place already stays as it is: what failed came after its update.
    putBack(model, Object.fromEntries(Object.entries(before).filter(([, clone]) => !loan.taken(clone))));
    throw cause;
  } finally {
    loan.end();
    tf.dispose(before);
  }
}

async function valuesOf(reports: Tensors): Promise<Record<string, Report>> {
  const read = Object.entries(reports).map(async ([name, tensor]) => {
    const values = Float32Array.from(await tensor.data());
    return [name, tensor.rank === 0 ? values[0]! : values] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Lets timers and input have their turn: an engine that computes at once would keep the thread until the training ends. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
