import * as tf from '@tensorflow/tfjs';
import { squaredNorm } from '../core/tensors';
import type { Batch, GradientFn, Model, Tensors, Updater } from '../core/types';
import { cut } from '../engine/cut';
import { accumulated, type Part } from './accumulate';
import type { Report } from './events';
import { poisoned } from './finite';
import { putBack, snapshotOf } from './snapshot';

export interface StepOutcome {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly reports: Readonly<Record<string, Report>>;
}

/**
 * One update from one or several batches, and its numbers, all read at once. If one of them is not finite, nothing has changed; if the
 * engine fails, the weights are what they were before.
 */
export async function takeStep<B extends Batch>(
  model: Model,
  optimizer: Updater,
  evaluate: GradientFn<B>,
  parts: readonly Part<B>[],
): Promise<StepOutcome> {
  // On a lazy engine a weight is a promise now, and a failed step would leave it broken. Clones share memory: they cost none.
  const before = snapshotOf(model);
  const { loss, norm, reports } = tf.tidy(() => {
    const { loss, grads, rows, reports } = accumulated(evaluate, model.weights, parts);
    const norm = tf.sqrt(squaredNorm(grads));
    // The optimizer looks at the gradient; a loss that is not finite must stop it too.
    optimizer.apply(model.weights, poisoned(grads, loss), rows);
    cut();
    return { loss, norm, reports: { ...reports } };
  });
  try {
    const [[readLoss], [readNorm], readReports] = await Promise.all([loss.data(), norm.data(), valuesOf(reports)]);
    await turn();
    return { loss: readLoss!, gradientNorm: readNorm!, reports: readReports };
  } catch (cause) {
    putBack(model, before);
    throw cause;
  } finally {
    tf.dispose([loss, norm, reports, before]);
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
