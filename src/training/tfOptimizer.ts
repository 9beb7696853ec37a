import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError } from '../core/errors';
import { denseGradients } from '../core/rows';
import type { Tensors, Updater } from '../core/types';
import { requireWeights } from './requireWeights';

/**
 * Lets an optimizer of TensorFlow.js train: `tf.train.rmsprop(1e-3)`, `tf.train.adagrad(0.1)` and so on.
 *
 * Gradients by rows are made dense.
 *
 * **Limits** its state comes and goes by `getWeights` and `setWeights`, which Adamax does not have; Adam and Adadelta go on from a
 * restored state to rounding, not to the bit. Adam counts steps for all weights together, so a head that is added later moves too fast
 * at first: prefer `adamW`. It belongs to one model.
 *
 * @throws HoldfastError `bad-argument` without `applyGradients`; when applied, `bad-weights` if a gradient has no weight
 * @example
 * await fit(model, { objective: crossEntropy(), data, optimizer: tfOptimizer(tf.train.rmsprop(1e-3)) });
 */
export function tfOptimizer(optimizer: tf.Optimizer): Updater {
  if (typeof (optimizer as Partial<tf.Optimizer>).applyGradients !== 'function') {
    throw badArgument('tfOptimizer', 'expected an optimizer of TensorFlow.js, such as tf.train.rmsprop(1e-3)');
  }
  /** Its state is by position, so each weight keeps the one it first had. */
  let order: string[] = [];
  const namesInTf = new Map<string, string>();
  let count: tf.Tensor | undefined;
  return {
    apply(weights, grads, rows = {}) {
      requireWeights('tfOptimizer', weights, grads);
      order = [...new Set([...order, ...Object.keys(grads)])];
      tf.tidy(() => {
        const dense = denseGradients(grads, rows, weights);
        optimizer.applyGradients(
          order.map((name) => {
            namesInTf.set(weights[name]!.name, name);
            // It passes over a gradient of null, which its types do not say.
            return {
              name: weights[name]!.name,
              tensor: dense[name] ?? (null as unknown as tf.Tensor),
            };
          }),
        );
      });
    },
    async state() {
      const [iterations, ...slots] = await optimizer.getWeights();
      count?.dispose();
      count = tf.keep(iterations!.tensor);
      const state: Record<string, tf.Tensor> = { '/iterations': count };
      slots.forEach(({ name, tensor }, place) => {
        // '<variable>/<kind>': the variable's name is TensorFlow.js's own until we give it the weight's.
        const [owner, kind] = [name.slice(0, name.lastIndexOf('/')), name.slice(name.lastIndexOf('/'))];
        state[`${place}/${namesInTf.get(owner) ?? owner}${kind}`] = tensor;
      });
      return state;
    },
    async restore(state) {
      const slots = slotsOf(state);
      const iterations = state['/iterations'];
      if (!iterations)
        throw new HoldfastError(
          'bad-weights',
          "tfOptimizer.restore: the state lacks '/iterations'. Give it what tfOptimizer's state() returned.",
        );
      const old = await optimizer.getWeights();
      await optimizer.setWeights([
        { name: 'iter', tensor: iterations },
        ...slots.map(({ name, kind, tensor }) => ({ name: name + kind, tensor })),
      ]);
      tf.dispose(old.map(({ tensor }) => tensor));
      order = [...new Set(slots.map(({ name }) => name))];
    },
    dispose() {
      optimizer.dispose();
      count?.dispose();
      count = undefined;
    },
  };
}

/** In the order of their places. */
function slotsOf(state: Tensors): { place: number; name: string; kind: string; tensor: tf.Tensor }[] {
  return Object.entries(state)
    .flatMap(([key, tensor]) => {
      const [, place, name, kind] = /^(\d+)\/(.+)(\/[^/]+)$/.exec(key) ?? [];
      return place === undefined ? [] : [{ place: Number(place), name: name!, kind: kind!, tensor }];
    })
    .sort((a, b) => a.place - b.place);
}
