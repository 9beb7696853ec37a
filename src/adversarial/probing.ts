import * as tf from '@tensorflow/tfjs';
import { gradientsBy } from '../core/tape';
import { HoldfastError } from '../core/errors';
import { shifted } from '../core/attacks';
import type { Batch, Output, Pass } from '../core/types';

/** The network on the pass's own inputs with a perturbation on top of their offset. */
export const outputAt = ({ batch, model, forward }: Pass, perturbation: tf.Tensor3D): Output =>
  forward(shifted(batch, model, perturbation).inputs);

/** The gradient of Σ_b divergence_b by a perturbation of the pass's word embeddings, [B, T, H]. Call it inside `besideTape`. */
export function slopeAt<B extends Batch>(
  owner: string,
  pass: Pass<B>,
  perturbation: tf.Tensor3D,
  divergence: (logits: tf.Tensor2D) => tf.Tensor1D,
): tf.Tensor3D {
  const total = () => tf.sum<tf.Scalar>(divergence(outputAt(pass, perturbation).logits));
  const [slope] = gradientsBy(total, [perturbation], () => {}).grads;
  if (slope) return slope as tf.Tensor3D;
  throw new HoldfastError(
    'offset-ignored',
    `${owner}: the model did not add inputs.offset to its word embeddings, so a perturbation of it does nothing.`,
  );
}

/**
 * Normal noise as large as the embeddings, [B, T, H], to start a search from. With dropout its seed is a draw of the run's stream, so that a resumed run goes on
 * the same; without it always `seed`, as the pass is deterministic.
 */
export function noiseOf({ batch, model, options: { rng } }: Pass, deviation: number, seed: number): tf.Tensor3D {
  const shape: [number, number, number] = [...batch.inputs.ids.shape, model.hiddenSize];
  // To TensorFlow.js a seed of 0 is none.
  return tf.randomNormal<tf.Rank.R3>(shape, 0, deviation, 'float32', (rng ? rng() : seed) + 1);
}
