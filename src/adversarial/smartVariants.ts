import * as tf from '@tensorflow/tfjs';
import { stopGradient } from '../core/stopGradient';
import { detachedKl, wholeKl, type Divergence } from '../losses/klDivergence';
import { openLogits } from '../losses/openLogits';

/** What differs between SMART's paper and its code. */
export interface SmartVariant {
  /** Of the logits at the text and at the perturbed one, what the steps raise; its gradient is taken by the perturbation. */
  readonly divergence: Divergence;
  /** From a perturbation [B, T, H] and the gradient there to the next one. */
  readonly step: (delta: tf.Tensor3D, slope: tf.Tensor3D, stepSize: number, epsilon: number) => tf.Tensor3D;
  /** What is trained. */
  readonly loss: Divergence;
}

/** Divides by the largest absolute value over the axes, plus `beside`; zeros stay zeros. */
const largestIsOne = (x: tf.Tensor3D, axes: number[], beside: number): tf.Tensor3D =>
  tf.divNoNan(x, tf.add(tf.max(tf.abs(x), axes, true), beside));

/** The paper's: symmetric divergence, steps of the gradient with its largest number 1 in each text, projection to ‖δ‖∞ ≤ ε. */
export const smartPaper: SmartVariant = {
  divergence: wholeKl,
  step: (delta, slope, stepSize, epsilon) => {
    const moved = tf.add(delta, tf.mul(largestIsOne(slope, [1, 2], 0), stepSize));
    return tf.maximum(tf.minimum(moved, epsilon), -epsilon);
  },
  loss: wholeKl,
};

/**
 * The authors' code: steps along `2 Σ_c q_c (ln odds(q_c) − ln odds(p_c))` with the odds held fixed, by the gradient as it is; then each token's
 * perturbation is divided by its largest number plus ε, so that it ends at size 1. In each direction of the loss the distribution that the
 * expectation is over is held fixed.
 */
export const smartCode: SmartVariant = {
  divergence: (clean, noisy, classes) => {
    const [p, q] = [clean, noisy].map((logits) => tf.softmax(openLogits(logits, classes))) as [tf.Tensor2D, tf.Tensor2D];
    const difference = stopGradient(() => tf.sub(logOdds(q), logOdds(p)));
    return tf.mul(tf.sum<tf.Tensor1D>(tf.mul(q, difference), 1), 2);
  },
  step: (delta, slope, stepSize, epsilon) => largestIsOne(tf.add(delta, tf.mul(slope, stepSize)), [2], epsilon),
  loss: detachedKl,
};

/** `ln p / (1 − p)`, kept finite by 1e-6 as there. */
const logOdds = (p: tf.Tensor): tf.Tensor => tf.neg(tf.log(tf.add(tf.sub(tf.div(1, tf.add(p, 1e-6)), 1), 1e-6)));
