import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import type { ForwardOptions, Model } from '../core/types';

/** The vocabulary's scores at some tokens: hidden [B, T, H] and places [N] among B · T tokens → [N, V]. */
export function scoresAt(model: Model, hidden: Tensor3D, positions: Tensor1D, options?: ForwardOptions): Tensor2D {
  const flat = tf.reshape<tf.Rank.R2>(hidden, [-1, model.hiddenSize]); // [B · T, H]
  return model.tokenLogits(tf.gather(flat, positions), options);
}

/** The vocabulary's scores at the masks: hidden [B, T, H] and places [B, k] among B · T tokens → [B, k, V]. */
export function maskScores(model: Model, hidden: Tensor3D, positions: Tensor2D, options?: ForwardOptions): Tensor3D {
  const [B, k] = positions.shape;
  const scores = scoresAt(model, hidden, tf.reshape(positions, [-1]), options); // [B · k, V]
  return tf.reshape(scores, [B, k, -1]);
}

/** Places of the mask token in rows of `length` tokens laid side by side, `count` in each row. */
export function maskPlaces(ids: ArrayLike<number>, length: number, maskId: number, count: number): Int32Array {
  const places: number[] = [];
  for (let at = 0; at < ids.length; at++) if (ids[at] === maskId) places.push(at);
  const B = ids.length / length;
  const even = places.length === B * count && places.every((at, i) => Math.floor(at / length) === Math.floor(i / count));
  if (even) return Int32Array.from(places);
  throw new HoldfastError(
    'bad-data',
    `A filled pattern must have ${count} mask tokens in each row: ${B} rows have ${places.length}. Is maxLength of the batches smaller than that of the pattern?`,
  );
}
