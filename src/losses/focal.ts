import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Labeled, Term } from '../core/types';
import { crossEntropyOf } from './crossEntropy';
import { meanOf } from './meanOf';

export interface FocalOptions {
  /** Focusing exponent γ; how strongly examples that already are right are turned down. Default 2. */
  readonly gamma?: number;
}

/**
 * Focal loss: cross entropy in which examples that the model already gets right count little.
 *
 * `L = mean_b −(1 − p_b)^γ ln p_b` with `p_b = softmax(z_b)[y_b]`, logits `z` of shape [B, C].
 *
 * **Needs** labels; made for few positives among many negatives. **Cost** one evaluation of the network.
 * **Limits** γ = 0 is `crossEntropy`.
 * **Differs from the paper** in the softmax over C classes (the paper has one sigmoid per class) and in having no class weight α.
 *
 * @throws HoldfastError `bad-argument` if `gamma` is negative or not finite.
 * @see Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, arXiv:1708.02002, eq. 4
 * @example
 * await fit(model, { objective: focal({ gamma: 2 }), data, optimizer: adamW({ learningRate: 3e-4 }) });
 */
export function focal({ gamma = 2 }: FocalOptions = {}): Term<Labeled> {
  requireNumber('focal', 'gamma', gamma);
  return ({ batch, output }) => meanOf(focalOf(output.logits, batch.labels, gamma, batch.classes), batch);
}

/** The loss per example: [B, C], [B], optional classes [B, C] → [B]. */
export function focalOf(logits: tf.Tensor2D, labels: tf.Tensor1D, gamma: number, classes?: tf.Tensor2D): tf.Tensor1D {
  const surprise = crossEntropyOf(logits, labels, classes);
  if (gamma === 0) return surprise;
  // Below γ = 1 the power's gradient at 0 is infinite, and infinity times a surprise of 0 is NaN: keep off it.
  const doubt = tf.maximum(tf.sub(1, tf.exp(surprise.neg())), 1e-7);
  return tf.pow(doubt, gamma).mul(surprise);
}
