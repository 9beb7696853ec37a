import * as tf from '@tensorflow/tfjs';
import { squaredNorm } from '../core/tensors';
import type { Tensors } from '../core/types';

/**
 * Scalar 1 where the square of the gradients' norm is finite in float32 (a norm below 1.8e19), else 0: whether a step is taken, decided
 * in the graph, so nothing is read.
 */
export const finiteOf = (grads: Tensors): tf.Scalar =>
  // A comparison with NaN is false, and the largest float32 is 3.4e38.
  tf.cast(tf.less(squaredNorm(grads), 3.4e38), 'float32');

/** The gradient, or zeros where the step is not taken. Multiplying by 0 would not do: 0 · NaN is NaN. */
export const whereFinite = <T extends tf.Tensor>(finite: tf.Scalar, taken: T, otherwise: tf.Tensor = tf.zerosLike(taken)): T =>
  tf.where(tf.greater(finite, 0), taken, otherwise) as T;

/**
 * The same gradients, none of them finite as a whole if `value` is not. Updaters skip a step whose gradients' norm is not finite, so
 * poisoning the smallest tensor stops the whole step at no cost.
 */
export function poisoned(grads: Tensors, value: tf.Scalar): Tensors {
  const names = Object.keys(grads);
  if (names.length === 0) return grads;
  const smallest = names.reduce((best, name) => (grads[name]!.size < grads[best]!.size ? name : best));
  // x − x is 0, or NaN for infinity and NaN.
  return { ...grads, [smallest]: tf.add(grads[smallest]!, tf.sub(value, value)) };
}
