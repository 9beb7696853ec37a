import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { gelu } from '../engine/fused';
import type { Activation } from './config';

const cubic = 0.044715;

/** `½ x (1 + tanh(√(2/π) (x + 0.044715 x³)))`: what `gelu_new` and `gelu_pytorch_tanh` mean. */
const geluTanh = <T extends Tensor>(x: T): T =>
  tf.tidy(() => {
    const inner = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), cubic)), Math.sqrt(2 / Math.PI));
    return tf.mul<T>(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1));
  });

export function activate<T extends Tensor>(x: T, activation: Activation): T {
  switch (activation) {
    case 'gelu':
      return gelu(x);
    case 'gelu_tanh':
      return geluTanh(x);
    case 'relu':
      return tf.relu(x);
  }
}
