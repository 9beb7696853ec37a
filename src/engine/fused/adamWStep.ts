import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { isNative, runNativeAll } from './native';

export interface AdamWStepOptions {
  readonly beta1: number;
  readonly beta2: number;
  /** What is left of a weight by decay: 1 − η λ. Absent: the weight does not decay. */
  readonly kept?: Scalar;
  /** η (1 − β₁) / c₁ · √(c₂ / (1 − β₂)), with cᵢ = 1 − βᵢᵗ of step t ≥ 1. */
  readonly size: Scalar;
  /** ε √(c₂ / (1 − β₂)) */
  readonly epsilon: Scalar;
}

/**
 * One weight's AdamW update, as in `torch.optim.AdamW` with moments that are sums instead of means:
 *
 * `m ← β₁ m + g`, `v ← β₂ v + g²`, `w ← kept · w − size · m / (√v + epsilon)`
 *
 * The factors `1 − β₁` and `1 − β₂` are in `size` and `epsilon`: two passes over the weights less.
 *
 * @param weight w @param grad g @param m first moment @param v second moment; all of one shape
 * @returns the new weight and moments; nothing is changed in place
 */
export function adamWStep<T extends Tensor>(weight: T, grad: T, m: T, v: T, options: AdamWStepOptions): [weight: T, m: T, v: T] {
  const compute = isNative('HoldfastAdamW') ? native : composed;
  return tf.tidy(() => compute(weight, grad, m, v, options) as [T, T, T]);
}

function composed(weight: Tensor, grad: Tensor, m: Tensor, v: Tensor, options: AdamWStepOptions): Tensor[] {
  const { beta1, beta2, kept, size, epsilon } = options;
  const newM = tf.add(tf.mul(m, beta1), grad);
  const newV = tf.add(tf.mul(v, beta2), tf.square(grad));
  const direction = tf.div(newM, tf.add(tf.sqrt(newV), epsilon));
  return [tf.sub(kept ? tf.mul(weight, kept) : weight, tf.mul(direction, size)), newM, newV];
}

function native(weight: Tensor, grad: Tensor, m: Tensor, v: Tensor, options: AdamWStepOptions): Tensor[] {
  const { beta1, beta2, kept, size, epsilon } = options;
  return runNativeAll('HoldfastAdamW', { weight, grad, m, v, size, epsilon, ...(kept && { kept }) }, { beta1, beta2 });
}
