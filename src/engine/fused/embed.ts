import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';

/**
 * Rows of a table: `y[b, t] = table[ids[b, t]]`. The gradient adds up the rows of equal ids.
 *
 * @param table [V, H]
 * @param ids [B, T] int32, from 0 to V − 1
 * @returns [B, T, H]
 */
export const embed = (table: Tensor2D, ids: Tensor2D): Tensor3D =>
  tf.tidy(() => tf.reshape(tf.gather(table, tf.reshape(ids, [-1])), [...ids.shape, table.shape[1]]));
