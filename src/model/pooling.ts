import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { affine, drop, sites, type NetworkPass } from './pass';

/**
 * How a text's token states [B, T, H] become its vector [B, H]:
 * `mean` over its tokens; `cls`, the first token's state; `pooler`, the transform that the architecture puts before its own classifier.
 */
export type Pooling = 'mean' | 'cls' | 'pooler';

export const poolings: readonly Pooling[] = ['mean', 'cls', 'pooler'];

/** Throws unless it is a pooling that we have. */
export function requirePooling(owner: string, pooling: Pooling): void {
  if (!poolings.includes(pooling))
    throw badArgument(owner, `pooling must be one of ${poolings.join(', ')}, got ${JSON.stringify(pooling)}`);
}

export function pool(pass: NetworkPass, hidden: Tensor3D, mask: Tensor2D, pooling: Pooling): Tensor2D {
  if (pooling === 'mean') return meanOf(hidden, mask);
  const first = firstOf(hidden);
  return pooling === 'cls' ? first : transform(pass, first);
}

/** `Σ_t m_t h_t / Σ_t m_t`; zero for a row without tokens. */
function meanOf(hidden: Tensor3D, mask: Tensor2D): Tensor2D {
  const total = tf.sum<Tensor2D>(tf.mul(hidden, tf.expandDims(mask, -1)), 1); // [B, H]
  return tf.div(total, tf.maximum(tf.sum(mask, 1, true), 1));
}

function firstOf(hidden: Tensor3D): Tensor2D {
  const [B, , H] = hidden.shape;
  return tf.reshape(tf.slice(hidden, [0, 0, 0], [B, 1, H]), [B, H]);
}

/** BERT: tanh(dense). RoBERTa: the same on a dropped-out state. DistilBERT: relu(dense). */
function transform(pass: NetworkPass, first: Tensor2D): Tensor2D {
  const { config, names } = pass;
  const dense = affine(pass, drop(pass, first, config.dropout.poolerInput, sites.poolerInput), names.pooler);
  return config.family === 'distilbert' ? tf.relu(dense) : tf.tanh(dense);
}
