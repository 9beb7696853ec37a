import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import { prefixed, unprefixed } from '../core/prefixed';
import { mapTensors } from '../core/tensors';
import type { Tensors, Updater } from '../core/types';
import { requireWeights } from './requireWeights';

export interface AveragedOptions {
  /** Share of the average that each step keeps, 0 to 1. Default 0.999: about the last thousand steps. */
  readonly decay?: number;
}

export interface Averaged extends Updater {
  /** The average of each weight that had a gradient so far; the tensors stay the updater's and change with each step. */
  average(): Tensors;
}

/**
 * Keeps a running average of the weights beside the training: often better than the last weights, and a steady teacher.
 *
 * `a ← d a + (1 − d) w` after each step, starting from the weights before the first one.
 *
 * **Cost** one tensor per weight and one pass over it. **Limits** d = 0 is the last weights, d = 1 the first.
 * **Differs from** a mean over the last part of training (SWA) in forgetting evenly.
 *
 * @throws HoldfastError `bad-argument` if `decay` is not from 0 to 1
 * @see Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging, 1992
 * @example
 * const optimizer = averaged(adamW({ learningRate: 3e-4 }), { decay: 0.99 });
 * const teacher = model.forward(batch.inputs, { weights: { ...model.weights, ...optimizer.average() } });
 */
export function averaged(optimizer: Updater, { decay = 0.999 }: AveragedOptions = {}): Averaged {
  requireNumber('averaged', 'decay', decay, 0, 1);
  let averages: Record<string, tf.Tensor> = {};
  return {
    ...optimizer,
    average: () => averages,
    apply(weights, grads, rows) {
      requireWeights('averaged', weights, grads);
      tf.tidy(() => {
        const before = Object.fromEntries(Object.keys(grads).map((name) => [name, averages[name] ?? weights[name]!.clone()]));
        optimizer.apply(weights, grads, rows);
        for (const [name, old] of Object.entries(before)) {
          averages[name] = tf.keep(tf.add(old, tf.mul(tf.sub(weights[name]!, old), 1 - decay)));
          old.dispose();
        }
      });
    },
    async state() {
      return { ...prefixed('optimizer/', await optimizer.state()), ...prefixed('average/', averages) };
    },
    async restore(state) {
      await optimizer.restore(unprefixed('optimizer/', state));
      const restored = mapTensors(unprefixed('average/', state), (tensor) => tf.keep(tensor.clone()));
      tf.dispose(averages);
      averages = { ...restored };
    },
    dispose() {
      optimizer.dispose();
      tf.dispose(averages);
      averages = {};
    },
  };
}
