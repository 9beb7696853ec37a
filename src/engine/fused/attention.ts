import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor2D, Tensor3D, Tensor4D } from '@tensorflow/tfjs';
import { badArgument } from '../../core/errors';
import { requireRate, scaledMask } from './dropout';
import { differentiable, isNative, runNativeAll } from './native';

export interface AttentionOptions {
  /** Number of heads; divides H. */
  readonly heads: number;
  /** Dropout of the probabilities. Default none. */
  readonly dropout?: { readonly rate: number; readonly seed: number };
}

/** Subtracted from the scores of padding keys: far above any score, far from overflow; uniform attention where every key is padding. */
export const masked = 1e9;

/**
 * Scaled dot-product attention with several heads: `softmax(Q Kᵀ / √d + mask) V` per head, d = H / heads.
 *
 * Padding keys get no probability. Padding queries get some finite output that nobody should read.
 *
 * @param q [B, T, H] @param k [B, T, H] @param v [B, T, H]
 * @param mask [B, T] float32: 1 = token, 0 = padding
 * @returns [B, T, H]
 * @throws HoldfastError `bad-argument` if the heads do not divide H, or for a dropout rate out of range
 */
export function attention(q: Tensor3D, k: Tensor3D, v: Tensor3D, mask: Tensor2D, { heads, dropout }: AttentionOptions): Tensor3D {
  const [B, T, H] = q.shape;
  if (!Number.isInteger(heads) || heads < 1 || H % heads !== 0)
    throw badArgument('attention', `heads must divide the hidden size ${H}, got ${heads}`);
  if (dropout) requireRate('attention', dropout.rate);
  return tf.tidy(() => {
    const dropped = dropout && dropout.rate > 0 ? scaledMask([B, heads, T, k.shape[1]], dropout.rate, dropout.seed) : undefined;
    const compute = isNative('HoldfastAttention') ? native : composed;
    return compute(q, k, v, mask, heads, dropped) as Tensor3D;
  });
}

function composed(q: Tensor3D, k: Tensor3D, v: Tensor3D, mask: Tensor2D, heads: number, dropped: Tensor | undefined): Tensor {
  const [B, T, H] = q.shape;
  const perHead = (x: Tensor3D): Tensor4D => tf.transpose(tf.reshape(x, [B, -1, heads, H / heads]), [0, 2, 1, 3]); // [B, A, T, d]
  const scores = tf.mul(tf.matMul(perHead(q), perHead(k), false, true), 1 / Math.sqrt(H / heads)); // [B, A, T, T]
  const additive = tf.reshape(tf.mul(tf.sub(mask, 1), masked), [B, 1, 1, -1]);
  const probabilities = tf.softmax(tf.add(scores, additive));
  const used = dropped ? tf.mul(probabilities, tf.reshape(dropped, probabilities.shape)) : probabilities;
  const mixed = tf.matMul(used, perHead(v)); // [B, A, T, d]
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B, T, H]);
}

const native = (q: Tensor3D, k: Tensor3D, v: Tensor3D, mask: Tensor2D, heads: number, dropped: Tensor | undefined): Tensor =>
  differentiable({
    inputs: [q, k, v],
    forward: () => {
      const [value, ...inner] = runNativeAll('HoldfastAttention', { q, k, v, mask, ...(dropped && { dropped }) }, { heads }) as [
        Tensor,
      ];
      return { value, saved: dropped ? [...inner, dropped] : inner };
    },
    gradient: (dy, saved) => {
      const [qs, ks, vs, probabilities, used, mixed, factors] = saved as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor?,
      ];
      const inner = { q: qs, k: ks, v: vs, probabilities, used, mixed, ...(factors && { dropped: factors }) };
      return runNativeAll('HoldfastAttentionGrad', { dy, ...inner }, { heads });
    },
  });
