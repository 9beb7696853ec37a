import * as tf from '@tensorflow/tfjs';
import { stopGradient } from '../core/stopGradient';
import { openLogits } from './openLogits';

/** How far two answers are apart, per example: logits [B, C], [B, C], optional classes [B, C] of 1 and 0 → [B]. */
export type Divergence = (p: tf.Tensor2D, q: tf.Tensor2D, classes?: tf.Tensor2D) => tf.Tensor1D;

/**
 * Kullback-Leibler divergence per example: how much information is lost when `q` stands in for `p`.
 *
 * `KL(p ‖ q)_b = Σ_c p_bc (ln p_bc − ln q_bc)` with `p, q` the softmax of logits [B, C] → [B].
 *
 * The sum over the classes is whole and the batch is not reduced: `meanOf` gives what PyTorch calls 'batchmean'. PyTorch's
 * default, 'mean', is that divided by C, and published weights of a divergence often depend on which one was used.
 *
 * **Limits** 0 exactly where both are equal. To hold one side fixed, wrap its logits in `stopGradient`.
 *
 * @param p logits [B, C] of the distribution that the expectation is over
 * @param q logits [B, C]
 * @param classes [B, C]: 1 = this class takes part. Default all.
 * @see Kullback and Leibler, On Information and Sufficiency, Ann. Math. Statist. 1951
 * @example
 * const teacher = model.clone();
 * const distillation: Term<Labeled> = ({ batch, output }) => {
 *   const known = stopGradient(() => teacher.forward(batch.inputs).logits);
 *   return meanOf(klDivergence(known, output.logits, batch.classes), batch);
 * };
 * await fit(model, { objective: sum(crossEntropy(), distillation), data, optimizer });
 */
export function klDivergence(p: tf.Tensor2D, q: tf.Tensor2D, classes?: tf.Tensor2D): tf.Tensor1D {
  const logP = tf.logSoftmax(openLogits(p, classes));
  const logQ = tf.logSoftmax(openLogits(q, classes));
  return tf.exp(logP).mul(tf.sub(logP, logQ)).sum<tf.Tensor1D>(-1);
}

/** The mean of both directions, `½ (KL(p ‖ q) + KL(q ‖ p))`: logits [B, C], [B, C] → [B]. */
export function symmetricKl(p: tf.Tensor2D, q: tf.Tensor2D, classes?: tf.Tensor2D): tf.Tensor1D {
  const logP = tf.logSoftmax(openLogits(p, classes));
  const logQ = tf.logSoftmax(openLogits(q, classes));
  // The two directions differ only in whose probabilities weigh the same difference.
  return tf.exp(logP).sub(tf.exp(logQ)).mul(tf.sub(logP, logQ)).sum<tf.Tensor1D>(-1).mul(0.5);
}

/** `KL(p ‖ q) + KL(q ‖ p)`, with gradient through all of it. */
export const wholeKl: Divergence = (p, q, classes) => tf.mul(symmetricKl(p, q, classes), 2);

/** `KL(sg(p) ‖ q) + KL(sg(q) ‖ p)`: each answer moves towards the other one as it is now. `sg` holds its argument fixed. */
export const detachedKl: Divergence = (p, q, classes) =>
  tf.add(klDivergence(fixed(p), q, classes), klDivergence(fixed(q), p, classes));

const fixed = (logits: tf.Tensor2D): tf.Tensor2D => stopGradient(() => logits.clone());
