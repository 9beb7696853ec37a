import * as tf from '@tensorflow/tfjs';
import type { Encoded } from '../core/types';
import type { Tokens } from '../model/types';

/** Padded ids of one view on the host, before any tensor exists. */
export interface Padded {
  readonly ids: Int32Array;
  readonly mask: Float32Array;
  /** Absent where all types are 0. */
  readonly types?: Int32Array;
  readonly shape: [rows: number, length: number];
}

export interface PaddingOptions {
  readonly padId: number;
  /** Most tokens of a row. */
  readonly maxLength: number;
  /** Rows are as long as the longest one, rounded up to a multiple of this. Default 1. */
  readonly padToMultipleOf?: number;
}

/** Lays tokens of different lengths side by side, padded at the end. */
export function padded(tokens: readonly Tokens[], { padId, maxLength, padToMultipleOf = 1 }: PaddingOptions): Padded {
  const longest = tokens.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const length = Math.max(longest, Math.min(maxLength, Math.ceil(longest / padToMultipleOf) * padToMultipleOf));
  const ids = new Int32Array(tokens.length * length).fill(padId);
  const mask = new Float32Array(ids.length);
  const types = tokens.some((row) => row.types.includes(1)) ? new Int32Array(ids.length) : undefined;
  tokens.forEach((row, b) => {
    ids.set(row.ids, b * length);
    mask.fill(1, b * length, b * length + row.ids.length);
    types?.set(row.types, b * length);
  });
  return { ids, mask, shape: [tokens.length, length], ...(types && { types }) };
}

/** The sorted unique ids of all views. */
export const vocabularyOf = (views: readonly Padded[]): Int32Array =>
  Int32Array.from(new Set(views.flatMap(({ ids }) => [...ids]))).sort();

/** Host arrays to tensors; with the batch's vocabulary, each id's place in it too. */
export function encoded({ ids, mask, types, shape }: Padded, vocabulary?: Int32Array): Encoded {
  const int = (values: Int32Array) => tf.tensor2d(values, shape, 'int32'); // [B, T]
  return {
    ids: int(ids),
    mask: tf.tensor2d(mask, shape),
    ...(types && { types: int(types) }),
    ...(vocabulary && { places: int(placesIn(vocabulary, ids)) }),
  };
}

function placesIn(vocabulary: Int32Array, ids: Int32Array): Int32Array {
  const places = new Map<number, number>();
  vocabulary.forEach((id, place) => places.set(id, place));
  return ids.map((id) => places.get(id)!);
}
