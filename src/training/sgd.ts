import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError, requireNumber } from '../core/errors';
import { denseGradients } from '../core/rows';
import type { Updater } from '../core/types';
import { requireWeights } from './requireWeights';
import { type Schedule, scheduleOf } from './schedules';

export interface SgdOptions {
  /** A number, or a schedule of steps counted from 0. */
  readonly learningRate: number | Schedule;
  /** Share of the last movement that goes on, from 0 to below 1. Default 0. */
  readonly momentum?: number;
}

/**
 * Stochastic gradient descent, with momentum as in PyTorch: `u ← μ u + g`, `w ← w − η u`.
 *
 * **Cost** with momentum one tensor per weight. Gradients by rows are made dense.
 * **Limits** μ = 0 is plain gradient descent.
 * **See also** `adamW`, which is what transformers are trained with.
 *
 * @throws HoldfastError `bad-argument` if an option is out of range; when applied, `bad-weights` if a gradient has no weight
 * @see Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013 (whose η is inside u)
 * @example
 * await fit(model, { objective: crossEntropy(), data, optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
 */
export function sgd({ learningRate, momentum = 0 }: SgdOptions): Updater {
  const schedule = scheduleOf('sgd', learningRate);
  requireNumber('sgd', 'momentum', momentum, 0, 1);
  if (momentum === 1) throw badArgument('sgd', 'momentum must be below 1, got 1: the movement would never end');
  let movements: Record<string, tf.Tensor> = {};
  let steps = 0;
  let rate: number | undefined;
  let count: tf.Tensor | undefined;
  return {
    apply(weights, grads, rows = {}) {
      requireWeights('sgd', weights, grads);
      const eta = schedule(steps);
      tf.tidy(() => {
        const step = tf.scalar(eta);
        for (const [name, grad] of Object.entries(denseGradients(grads, rows, weights))) {
          const weight = weights[name]!;
          const old = movements[name];
          const moved = old ? tf.add(tf.mul(old, momentum), grad) : grad;
          weight.assign(tf.sub(weight, tf.mul(moved, step)));
          if (momentum === 0) continue;
          movements[name] = tf.keep(moved.clone());
          old?.dispose();
        }
      });
      rate = eta;
      steps++;
    },
    rate: () => rate,
    state() {
      count?.dispose();
      count = tf.keep(tf.scalar(steps, 'int32'));
      return { ...movements, '/steps': count };
    },
    async restore(state) {
      const { '/steps': saved, ...others } = state;
      if (!saved)
        throw new HoldfastError('bad-weights', "sgd.restore: the state lacks '/steps'. Give it what sgd's state() returned.");
      const [read = 0] = await saved.data();
      const restored = Object.fromEntries(Object.entries(others).map(([name, tensor]) => [name, tf.keep(tensor.clone())]));
      tf.dispose(movements);
      movements = restored;
      steps = read;
    },
    dispose() {
      tf.dispose(movements);
      count?.dispose();
      [movements, count] = [{}, undefined];
    },
  };
}
