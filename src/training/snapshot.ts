import * as tf from '@tensorflow/tfjs';
import type { Model, Tensors } from '../core/types';

/** The trainable weights as they are now. Weights are replaced, never written into, so a clone costs no memory until the next step. */
export const snapshotOf = (model: Model): Tensors =>
  Object.fromEntries(model.trainable.map((name) => [name, tf.keep(model.weights[name]!.clone())]));

/** Puts a snapshot back. */
export function putBack(model: Model, snapshot: Tensors): void {
  for (const [name, value] of Object.entries(snapshot)) model.weights[name]!.assign(value);
}
