import * as tf from '@tensorflow/tfjs';
import type { ForwardOptions, Tensors } from '../core/types';
import { weightOf } from '../core/weightOf';

/** A trained table as each of B texts sees it: the weight [N, H] → [B, N, H]. To taps it is a lookup of all its rows. */
export function wholeTable(
  weight: string,
  B: number,
  { weights, taps }: ForwardOptions & { readonly weights: Tensors },
): tf.Tensor3D {
  const table = weightOf(weights, weight) as tf.Tensor2D;
  const each = tf.add<tf.Tensor3D>(tf.zeros([B, 1, 1]), tf.expandDims(table, 0)); // [B, N, H]
  if (!taps) return each;
  const input = tf.add(tf.zeros([B, 1], 'int32'), tf.range(0, table.shape[0], 1, 'int32')); // [B, N]
  return taps({ kind: 'lookup', weight, input }, each) as tf.Tensor3D;
}
