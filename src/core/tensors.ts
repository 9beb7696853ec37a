import * as tf from '@tensorflow/tfjs';
import type { Tensors } from './types';

export const mapTensors = (tensors: Tensors, f: (tensor: tf.Tensor, name: string) => tf.Tensor): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, f(tensor, name)]));

/** Name by name; a name that only one side has keeps its tensor. */
export const addTensors = (a: Tensors, b: Tensors): Tensors => ({
  ...b,
  ...mapTensors(a, (tensor, name) => (b[name] ? tf.add(tensor, b[name]) : tensor)),
});

/** Σ over all tensors of the sum of squares. */
export function squaredNorm(tensors: Tensors): tf.Scalar {
  const parts = Object.values(tensors).map((tensor) => tf.sum<tf.Scalar>(tf.square(tensor)));
  return parts.length === 0 ? tf.scalar(0) : tf.addN(parts);
}
