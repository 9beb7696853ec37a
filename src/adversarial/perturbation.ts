import * as tf from '@tensorflow/tfjs';

/** How long a perturbation [B, T, H] is, in a shape that divides it: [B, 1, 1] or [1, 1, 1]. */
export type PerturbationNorm = (perturbation: tf.Tensor3D) => tf.Tensor3D;

/** One length per text: each has a perturbation of its own size, whatever else is in the batch. */
export const perExample: PerturbationNorm = (perturbation) => tf.sqrt(tf.sum<tf.Tensor3D>(tf.square(perturbation), [1, 2], true));

/** One length for the batch: texts with a large gradient get most of it. */
export const wholeBatch: PerturbationNorm = (perturbation) =>
  tf.sqrt(tf.sum<tf.Tensor3D>(tf.square(perturbation), [0, 1, 2], true));

/** No perturbation where there is no token: [B, T, H], mask [B, T] → [B, T, H]. */
export const ofTokens = (perturbation: tf.Tensor3D, mask: tf.Tensor2D): tf.Tensor3D =>
  tf.mul(perturbation, tf.expandDims(mask, 2));

/** That length in the same direction; what has no length stays 0. */
export const ofLength = (length: number, perturbation: tf.Tensor3D, norm: PerturbationNorm): tf.Tensor3D =>
  tf.mul(tf.divNoNan(perturbation, norm(perturbation)), length);

/** Scaled back to the radius where it is longer. */
export const within = (perturbation: tf.Tensor3D, radius: number, norm: PerturbationNorm): tf.Tensor3D =>
  tf.mul(perturbation, tf.minimum(1, tf.divNoNan(radius, norm(perturbation))));
