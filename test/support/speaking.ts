import * as tf from '@tensorflow/tfjs';
import type { Model, Weights } from '../../src/core/types';

/** A network whose logits are its only weight, `z` [B, C]: what a term says of given numbers. */
export function speaking(logits: tf.Tensor2D): Model & { readonly weights: Weights } {
  const z = tf.variable(logits);
  return {
    ...{ weights: { z }, trainable: ['z'], hiddenSize: 1, embeddingTable: 'none' },
    tokenLogits: (hidden) => hidden,
    forward: (_, { weights = { z } } = {}) => {
      const now = weights['z'] as tf.Tensor2D;
      return { hidden: now.expandDims<tf.Tensor3D>(1), pooled: now, logits: now };
    },
  };
}
