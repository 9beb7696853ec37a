import * as tf from '@tensorflow/tfjs';
import { gradientsBy } from '../core/tape';
import { HoldfastError } from '../core/errors';
import { shifted } from '../core/attacks';
import type { Batch, Output, Pass } from '../core/types';

/**
 * Runs `compute` as if no tape were open, so that it may open one of its own: a term can take a gradient to find out where to look. The tape around sees a
 * constant, and none of the activations in between stays in memory. (Nothing opens a tape inside `stopGradient`, which switches recording off.)
 */
export function besideTape<T extends tf.Tensor>(compute: () => T): T {
  const { state } = tf.engine();
  const { gradientDepth, activeTape } = state;
  state.gradientDepth = 0;
  try {
    return tf.tidy(compute);
  } finally {
    state.gradientDepth = gradientDepth;
    state.activeTape = activeTape;
  }
}

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
 * With dropout a draw of the run's stream, so that a resumed run goes on the same; without it always the same number, as the pass is deterministic.
 * Never 0, which to TensorFlow.js is no seed.
 */
export const seedOf = ({ options: { rng } }: Pass, seed: number): number => (rng ? rng() : seed) + 1;
