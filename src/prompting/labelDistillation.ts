import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Term } from '../core/types';
import { openLogits } from '../losses/openLogits';
import type { SoftLabeled } from './softLabels';

export interface LabelDistillationOptions {
  /** Above 1 evens out the probabilities of both sides, so that those of wrong labels are learnt too. Default 2. */
  readonly temperature?: number;
}

/**
 * Distillation of labels: the model's probabilities must become those that an ensemble gave its texts.
 *
 * `L = mean_b T² Σ_c q_bc (ln q_bc − ln softmax(z_b / T)_c)` with `q = p^(1/T)` over its sum, the given probabilities `p` and the logits
 * `z` of shape [B, C]. T² keeps the gradient as large as without temperature.
 *
 * **Needs** the batches of `softBatches`. **Cost** one evaluation of the network.
 * **Limits** 0 exactly where the model says `p`. For T = 1 its gradient is that of the cross entropy with soft targets.
 * **Differs from PET's code** in nothing but where the temperature comes in: there on the ensemble's mean logits, which is the same.
 * **See also** `softLabels`; `embeddingDistillation` (vectors instead of labels).
 *
 * @throws HoldfastError `bad-argument` if `temperature` is not above 0
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.3
 * @see Hinton et al., Distilling the Knowledge in a Neural Network, 2015, arXiv:1503.02531, section 2
 * @example
 * const known = examples.map(({ text }) => ({ text, soft: { invoice: 0.9, refund: 0.1 } }));
 * await fit(model, { objective: labelDistillation({ temperature: 2 }), data: softBatches(known, { head }), optimizer, seed: 1 });
 */
export function labelDistillation({ temperature = 2 }: LabelDistillationOptions = {}): Term<SoftLabeled> {
  requireNumber('labelDistillation', 'temperature', temperature, 1e-3);
  return ({ batch: { soft, classes }, output: { logits } }) =>
    tf.mean<tf.Scalar>(labelDistillationOf(soft, openLogits(logits, classes), temperature));
}

/** The loss of each example: probabilities [B, C], logits [B, C] → [B]. */
export function labelDistillationOf(probabilities: Tensor2D, logits: Tensor2D, temperature: number): Tensor1D {
  const tempered = tf.pow(probabilities, 1 / temperature);
  const known = tf.div(tempered, tf.sum(tempered, 1, true)); // [B, C]
  // Where the probability is 0 the logarithm counts nothing, but must be a number.
  const difference = tf.sub(tf.log(tf.maximum(known, 1e-30)), tf.logSoftmax(tf.div<Tensor2D>(logits, temperature)));
  return tf.mul<Tensor1D>(tf.sum(tf.mul(known, difference), 1), temperature ** 2);
}
