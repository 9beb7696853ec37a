import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor } from '@tensorflow/tfjs';
import { isNative, runNativeAll } from './native';

export interface AdamWStepOptions {
  readonly learningRate: Scalar;
  readonly beta1: number;
  readonly beta2: number;
  /** Added after the root; > 0. */
  readonly epsilon: number;
  /** Decoupled weight decay, multiplied by the learning rate. */
  readonly decay: number;
  /** 1 − β₁ᵗ of step t ≥ 1. */
  readonly correction1: Scalar;
  /** 1 − β₂ᵗ */
  readonly correction2: Scalar;
  /** float32: 1 = apply; 0 = keep weight and moments bit for bit, whatever the gradient holds. */
  readonly finite: Scalar;
}

/**
 * One weight's AdamW update, as in `torch.optim.AdamW`:
 *
 * `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `w ← w − η λ w − η (m / c₁) / (√(v / c₂) + ε)`
 *
 * @param weight w @param grad g @param m first moment @param v second moment; all of one shape
 * @returns the new weight and moments; nothing is changed in place
 */
export function adamWStep<T extends Tensor>(weight: T, grad: T, m: T, v: T, options: AdamWStepOptions): [weight: T, m: T, v: T] {
  const compute = isNative('HoldfastAdamW') ? native : composed;
  return tf.tidy(() => compute(weight, grad, m, v, options) as [T, T, T]);
}

function composed(weight: Tensor, grad: Tensor, m: Tensor, v: Tensor, options: AdamWStepOptions): Tensor[] {
  const { learningRate, beta1, beta2, epsilon, decay, correction1, correction2, finite } = options;
  // 0 · NaN is NaN, so the gradient is selected; all that follows is finite, and `x − 0 · finite` is x.
  const g = tf.where(tf.greater(finite, 0), grad, tf.zerosLike(grad));
  const newM = tf.add(m, tf.mul(tf.sub(g, m), tf.mul(finite, 1 - beta1)));
  const newV = tf.add(v, tf.mul(tf.sub(tf.square(g), v), tf.mul(finite, 1 - beta2)));
  const rate = tf.mul(learningRate, finite);
  const direction = tf.div(newM, tf.add(tf.sqrt(tf.div(newV, correction2)), epsilon));
  const decayed = tf.mul(weight, tf.sub(1, tf.mul(rate, decay)));
  return [tf.sub(decayed, tf.mul(direction, tf.div(rate, correction1))), newM, newV];
}

function native(weight: Tensor, grad: Tensor, m: Tensor, v: Tensor, options: AdamWStepOptions): Tensor[] {
  const { learningRate, correction1, correction2, finite, beta1, beta2, epsilon, decay } = options;
  const inputs = { weight, grad, m, v, learningRate, correction1, correction2, finite };
  return runNativeAll('HoldfastAdamW', inputs, { beta1, beta2, epsilon, decay });
}
