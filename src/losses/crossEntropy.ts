import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Labeled, Term } from '../core/types';
import { softmaxCrossEntropy } from '../engine/fused';
import { openLogits } from './openLogits';
import { meanOf } from './meanOf';

export interface CrossEntropyOptions {
  /** Share of the target that is spread evenly over the classes that take part; 0 to 1. Default 0. */
  readonly smoothing?: number;
}

/**
 * Cross entropy: how surprised the model is by the right class.
 *
 * `L = mean_b −ln softmax(z_b)[y_b]` with logits `z` of shape [B, C], over the classes that `batch.classes` opens;
 * with smoothing ε the target is `(1 − ε)` on `y_b` and `ε / C_open` on each open class.
 *
 * **Needs** labels. **Cost** one evaluation of the network.
 * **Limits** ε = 0 is the plain cross entropy, ε = 1 ignores the labels.
 * **Differs** from `torch.nn.CrossEntropyLoss` only in the mask of classes and in `batch.shares` in place of 1 / B.
 * **See also** `focal` (easy examples count less).
 *
 * @throws HoldfastError `bad-argument` if `smoothing` is not from 0 to 1.
 * @see Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016, section 7 (smoothing)
 * @example
 * await fit(model, { objective: crossEntropy(), data, optimizer: adamW({ learningRate: 3e-4 }) });
 */
export function crossEntropy({ smoothing = 0 }: CrossEntropyOptions = {}): Term<Labeled> {
  requireNumber('crossEntropy', 'smoothing', smoothing, 0, 1);
  return ({ batch, output }) => {
    const exact = crossEntropyOf(output.logits, batch.labels, batch.classes);
    if (smoothing === 0) return meanOf(exact, batch);
    const spread = uniformCrossEntropy(output.logits, batch.classes);
    return meanOf(exact.mul(1 - smoothing).add(spread.mul(smoothing)), batch);
  };
}

/** The loss per example: logits [B, C], labels [B] int32, optional classes [B, C] of 1 and 0 → [B]. */
export const crossEntropyOf = (logits: tf.Tensor2D, labels: tf.Tensor1D, classes?: tf.Tensor2D): tf.Tensor1D =>
  softmaxCrossEntropy(openLogits(logits, classes), labels);

/** Cross entropy against the even distribution over the open classes: [B, C] → [B]. */
function uniformCrossEntropy(logits: tf.Tensor2D, classes?: tf.Tensor2D): tf.Tensor1D {
  const surprise = tf.logSoftmax(openLogits(logits, classes)).neg();
  if (!classes) return surprise.mean<tf.Tensor1D>(-1);
  return surprise.mul(classes).sum<tf.Tensor1D>(-1).div(classes.sum(-1));
}
