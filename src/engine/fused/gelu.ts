import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { differentiable, isNative, runNative } from './native';

/** The exact GELU, `x · Φ(x) = ½ x (1 + erf(x / √2))`; not the tanh approximation. */
export function gelu<T extends Tensor>(x: T): T {
  return tf.tidy(() => (isNative('HoldfastGelu') ? native(x) : composed(x)) as T);
}

const composed = (x: Tensor): Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));

const native = (x: Tensor): Tensor =>
  differentiable({
    inputs: [x],
    forward: () => ({ value: runNative('HoldfastGelu', { x }), saved: [x] }),
    gradient: (dy, saved) => [runNative('HoldfastGeluGrad', { dy, x: saved[0] as Tensor })],
  });
