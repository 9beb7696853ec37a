import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { differentiable, isNative, runNative, runNativeAll } from './native';

/**
 * Cross entropy of each row: `loss[b] = −log softmax(logits[b])[labels[b]]`, computed without overflow.
 *
 * @param logits [B, C]
 * @param labels [B] int32, from 0 to C − 1; a negative label gives a loss and a gradient of zero
 * @returns [B]
 */
export function softmaxCrossEntropy(logits: Tensor2D, labels: Tensor1D): Tensor1D {
  const compute = isNative('HoldfastCrossEntropy') ? native : composed;
  return tf.tidy(() => compute(logits, labels) as Tensor1D);
}

function composed(logits: Tensor2D, labels: Tensor1D): Tensor {
  // tf.oneHot refuses a single class.
  const oneHot = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.range(0, logits.shape[1], 1, 'int32')), 'float32'); // [B, C]
  return tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), oneHot), -1));
}

const native = (logits: Tensor2D, labels: Tensor1D): Tensor =>
  differentiable({
    inputs: [logits],
    forward: () => {
      const [value, logs] = runNativeAll('HoldfastCrossEntropy', { logits, labels }) as [Tensor, Tensor];
      return { value, saved: [logs, labels] };
    },
    gradient: (dy, saved) => {
      const [logs, at] = saved as [Tensor, Tensor];
      return [runNative('HoldfastCrossEntropyGrad', { dy, logs, labels: at })];
    },
  });
