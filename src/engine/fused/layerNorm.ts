import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor1D } from '@tensorflow/tfjs';
import { differentiable, isNative, runNativeAll } from './native';

/**
 * Layer normalisation over the last axis: `y = g ⊙ (x − mean) / √(variance + ε) + b`, with the biased variance.
 *
 * @param x [..., H]
 * @param scale g, [H]
 * @param bias b, [H]
 * @param epsilon > 0
 */
export function layerNorm<T extends Tensor>(x: T, scale: Tensor1D, bias: Tensor1D, epsilon: number): T {
  const compute = isNative('HoldfastLayerNorm') ? native : composed;
  return tf.tidy(() => compute(x, scale, bias, epsilon) as T);
}

function composed(x: Tensor, scale: Tensor1D, bias: Tensor1D, epsilon: number): Tensor {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centred), -1, true); // [..., 1]
  const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
  return tf.add(tf.mul(normal, scale), bias);
}

const native = (x: Tensor, scale: Tensor1D, bias: Tensor1D, epsilon: number): Tensor =>
  differentiable({
    inputs: [x, scale, bias],
    forward: () => {
      const [value, mean, inverse] = runNativeAll('HoldfastLayerNorm', { x, scale, bias }, { epsilon }) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      return { value, saved: [x, scale, mean, inverse] };
    },
    gradient: (dy, saved) => {
      const [input, g, mean, inverse] = saved as [Tensor, Tensor, Tensor, Tensor];
      return runNativeAll('HoldfastLayerNormGrad', { dy, x: input, scale: g, mean, inverse });
    },
  });
