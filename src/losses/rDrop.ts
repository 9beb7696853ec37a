import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Labeled, Term } from '../core/types';
import { crossEntropyOf } from './crossEntropy';
import { symmetricKl } from './klDivergence';
import { meanOf } from './meanOf';

/** Puts together `CE(p₁, y) + CE(p₂, y)` [B] and `½ (KL(p₁ ‖ p₂) + KL(p₂ ‖ p₁))` [B], per example. */
export type RDropForm = (likelihood: tf.Tensor1D, divergence: tf.Tensor1D, alpha: number) => tf.Tensor1D;

export interface RDropOptions {
  /** Weight of the divergence, ≥ 0. Default 1. */
  readonly alpha?: number;
  /** How both parts are put together: `rDropHalved`, `rDropPaper`, `rDropBert` or `rDropRoberta`. Default `rDropHalved`. */
  readonly form?: RDropForm;
}

/**
 * R-Drop: two passes over the same batch, each with its own dropout, must agree.
 *
 * `L = mean_b [ ½ (CE(p₁, y) + CE(p₂, y)) + α · ½ (KL(p₁ ‖ p₂) + KL(p₂ ‖ p₁)) ]` with `p₁, p₂` of shape [B, C].
 *
 * **Needs** labels, and dropout: without it both passes are equal and the term is the plain cross entropy.
 * **Cost** one more evaluation of the network: time and activation memory about double.
 * **Limits** α = 0 is cross entropy averaged over two dropout masks.
 * **Differs from the paper**, whose equation 4 halves the divergence but not the cross entropies: it is twice this with half its α, and as it is
 * `form: rDropPaper`. This is the form of the authors' readme. Their code for BERT (`rDropBert`, α = 0.5 there) and for RoBERTa (`rDropRoberta`, α = 0.7)
 * sums the divergence over the batch, so that its weight grows with the batch.
 * **See also** `simcse` (the same trick for sentence vectors), `vat` and `smart` (a perturbation instead of a mask).
 *
 * @throws HoldfastError `bad-argument` if `alpha` is negative or not finite
 * @see Liang et al., R-Drop: Regularized Dropout for Neural Networks, NeurIPS 2021, arXiv:2106.14448, eq. 2-4
 * @see https://github.com/dropreg/R-Drop (the authors' code)
 * @example
 * await fit(model, { objective: rDrop({ alpha: 1 }), data, optimizer: adamW({ learningRate: 2e-5 }), seed: 1 });
 */
export function rDrop({ alpha = 1, form = rDropHalved }: RDropOptions = {}): Term<Labeled> {
  requireNumber('rDrop', 'alpha', alpha);
  return ({ batch, output, forward }) => {
    const { labels, classes } = batch;
    return meanOf(rDropOf(output.logits, forward(batch.inputs).logits, labels, { alpha, form, classes }), batch);
  };
}

/**
 * The loss per example: logits [B, C] of both passes, labels [B] int32, optional classes [B, C] of 1 and 0 → [B].
 *
 * @example
 * const losses = tf.tidy(() => {
 *   const [first, second] = [model.forward(batch.inputs), model.forward(batch.inputs)];
 *   return rDropOf(first.logits, second.logits, batch.labels, { alpha: 1 });
 * });
 */
export function rDropOf(
  first: tf.Tensor2D,
  second: tf.Tensor2D,
  labels: tf.Tensor1D,
  { alpha = 1, form = rDropHalved, classes }: RDropOptions & { readonly classes?: tf.Tensor2D | undefined } = {},
): tf.Tensor1D {
  const likelihood = tf.add<tf.Tensor1D>(crossEntropyOf(first, labels, classes), crossEntropyOf(second, labels, classes));
  return form(likelihood, symmetricKl(first, second, classes), alpha);
}

/** The authors' readme: the mean of both cross entropies, plus α times the divergence. */
export const rDropHalved: RDropForm = (likelihood, divergence, alpha) =>
  tf.add(tf.mul(likelihood, 0.5), tf.mul(divergence, alpha));

/** The paper's equation 4: the sum of both cross entropies, plus α times the divergence. */
export const rDropPaper: RDropForm = (likelihood, divergence, alpha) => tf.add(likelihood, tf.mul(divergence, alpha));

/** The authors' code for BERT: as the paper's, but the divergence is summed over the batch. */
export const rDropBert: RDropForm = (likelihood, divergence, alpha) =>
  rDropPaper(likelihood, divergence, alpha * divergence.size);

/** The authors' code for RoBERTa: as the readme's, but the divergence is summed over the batch. */
export const rDropRoberta: RDropForm = (likelihood, divergence, alpha) =>
  rDropHalved(likelihood, divergence, alpha * divergence.size);
