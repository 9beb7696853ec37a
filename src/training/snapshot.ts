import * as tf from '@tensorflow/tfjs';
import type { Model, Tensors } from '../core/types';

/**
 * The trainable weights, or those named, as they are now. Who holds a clone has its values for good (an update writes in place only what
 * nobody else holds), so it costs no memory until the next step.
 */
export const snapshotOf = (model: Model, names: readonly string[] = model.trainable): Tensors =>
  Object.fromEntries(names.map((name) => [name, tf.keep(model.weights[name]!.clone())]));

/** Puts a snapshot back. */
export function putBack(model: Model, snapshot: Tensors): void {
  for (const [name, value] of Object.entries(snapshot)) model.weights[name]!.assign(value);
}
