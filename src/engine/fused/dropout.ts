import * as tf from '@tensorflow/tfjs';
import type { Tensor } from '@tensorflow/tfjs';
import { badArgument } from '../../core/errors';
import { dropoutHash, dropoutMask } from './dropoutMask';
import { differentiable, isNative, runNative } from './native';

/**
 * Inverted dropout: each element is zero with probability `rate`, else divided by `1 − rate`.
 *
 * The mask is a function of `(rate, seed, shape)` alone and the same on every engine (see `DropoutHash`); its gradient uses the same mask.
 *
 * @param x float32 of any shape
 * @param rate from 0 (the identity) to below 1
 * @param seed 32-bit number: another one for each use
 * @throws HoldfastError `bad-argument` if `rate` is out of range
 */
export function dropout<T extends Tensor>(x: T, rate: number, seed: number): T {
  requireRate('dropout', rate);
  if (rate === 0) return x.clone();
  return tf.tidy(() => {
    const mask = scaledMask(x.shape, rate, seed);
    return (isNative('HoldfastDropout') ? native(x, mask) : tf.mul(x, tf.reshape(mask, x.shape))) as T;
  });
}

const native = (x: Tensor, mask: Tensor): Tensor =>
  differentiable({
    inputs: [x],
    forward: () => ({ value: runNative('HoldfastDropout', { x, mask }), saved: [mask] }),
    gradient: (dy, saved) => [runNative('HoldfastDropout', { x: dy, mask: saved[0] as Tensor })],
  });

/** What a dropout multiplies with: `1 / (1 − rate)` where the element is kept, else 0. [N, C], C = the last axis of `shape`. */
export function scaledMask(shape: readonly number[], rate: number, seed: number): Tensor {
  const columns = shape.at(-1) ?? 1;
  const rows = shape.slice(0, -1).reduce((size, length) => size * length, 1);
  const hash = dropoutHash(rows, columns, rate, seed);
  if (!isNative('HoldfastDropoutMask')) return tf.tensor2d(dropoutMask(hash, rate), [rows, columns]);
  const inputs = { rows: tf.tensor2d(hash.rows, [rows, 1]), columns: tf.tensor2d(hash.columns, [1, columns]) };
  return runNative('HoldfastDropoutMask', inputs, { bound: hash.bound, kept: 1 / (1 - rate) });
}

export function requireRate(owner: string, rate: number): void {
  if (!(rate >= 0 && rate < 1)) throw badArgument(owner, `rate must be a number from 0 to below 1, got ${rate}`);
}
