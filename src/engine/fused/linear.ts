import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { badArgument } from '../../core/errors';
import { differentiable, isNative, runNative, runNativeAll } from './native';

/**
 * `y = x Wᵀ + b` on the last axis, with the weight as checkpoints store it.
 *
 * @param x [..., in]
 * @param weight [out, in]
 * @param bias [out]; none by default
 * @returns [..., out]
 * @throws HoldfastError `bad-argument` if the last axis of `x` is not `in`
 */
export function linear<T extends Tensor>(x: T, weight: Tensor2D, bias?: Tensor1D): T {
  if (x.shape.at(-1) !== weight.shape[1]) {
    const problem = `x of shape [${x.shape.join(', ')}] does not end in the ${weight.shape[1]} inputs of the weight [${weight.shape.join(', ')}]`;
    throw badArgument('linear', problem);
  }
  const compute = isNative('HoldfastLinear') ? native : composed;
  return tf.tidy(() => compute(x, weight, bias) as T);
}

function composed(x: Tensor, weight: Tensor2D, bias: Tensor1D | undefined): Tensor {
  const product = tf.matMul(tf.reshape<tf.Rank.R2>(x, [-1, weight.shape[1]]), weight, false, true); // [N, out]
  return tf.reshape(bias ? tf.add(product, bias) : product, [...x.shape.slice(0, -1), weight.shape[0]]);
}

const native = (x: Tensor, weight: Tensor2D, bias: Tensor1D | undefined): Tensor =>
  differentiable({
    inputs: bias ? [x, weight, bias] : [x, weight],
    forward: () => ({ value: runNative('HoldfastLinear', { x, weight, ...(bias && { bias }) }), saved: [x, weight] }),
    gradient: (dy, saved) => {
      const [rows, w] = saved as [Tensor, Tensor];
      const [dx, dWeight, dBias] = runNativeAll('HoldfastLinearGrad', { dy, x: rows, weight: w }) as [Tensor, Tensor, Tensor];
      return bias ? [dx, dWeight, dBias] : [dx, dWeight];
    },
  });
