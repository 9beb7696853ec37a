import * as tf from '@tensorflow/tfjs';
import type { Encoded, Model, Tensors, Weights } from '../../src/core/types';

/** Values of one weight and their shape. */
export type Given = readonly [values: readonly number[], shape: number[]];

/**
 * A network that says what it is given: `pooled` [B, H] and `hidden` [B, T, H] are weights of their own, and `table` [V, H] decodes.
 * So a term's value and gradients can be compared with what another library says of the same numbers.
 */
export function givenModel(given: Readonly<Record<string, Given>>): Model {
  const weights: Weights = Object.fromEntries(
    Object.entries(given).map(([name, [values, shape]]) => [name, tf.variable(tf.tensor([...values], shape))]),
  );
  return {
    weights,
    trainable: Object.keys(weights),
    hiddenSize: weights['table']?.shape[1] ?? weights['pooled']!.shape[1]!,
    embeddingTable: 'table',
    forward: (_, options = {}) => {
      const { hidden, pooled }: Tensors = options.weights ?? weights;
      const none = () => tf.zeros([1, 1]);
      return {
        hidden: (hidden ?? tf.zeros([1, 1, 1])) as tf.Tensor3D,
        pooled: (pooled ?? none()) as tf.Tensor2D,
        logits: none() as tf.Tensor2D,
      };
    },
    tokenLogits: (states, { weights: at = weights } = {}) => tf.matMul(states, at['table'] as tf.Tensor2D, false, true),
  };
}

/** Inputs for a network that does not look at them. */
export const anyInputs = (): Encoded => ({ ids: tf.zeros([1, 1], 'int32'), mask: tf.ones([1, 1]) });
