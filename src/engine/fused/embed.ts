import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { backendName } from '../backend/emitters';
import { differentiable } from './native';

/**
 * Rows of a table: `y[b, t] = table[ids[b, t]]`. The gradient adds up the rows of equal ids.
 *
 * @param table [V, H]
 * @param ids [B, T] int32, from 0 to V − 1
 * @returns [B, T, H]
 */
export const embed = (table: Tensor2D, ids: Tensor2D): Tensor3D =>
  tf.tidy(() => {
    const flat = tf.reshape<tf.Rank.R1>(ids, [-1]); // [N]
    // The product with a one-hot matrix adds on all cores and in one order; scattering must do it on one. For a whole table it is too large.
    const small = tf.getBackend() === backendName && table.shape[0] > 1 && table.shape[0] <= flat.size;
    return tf.reshape(small ? lookup(table, flat) : tf.gather(table, flat), [...ids.shape, table.shape[1]]);
  });

const lookup = (table: Tensor2D, ids: Tensor1D): tf.Tensor =>
  differentiable({
    inputs: [table],
    forward: () => ({ value: tf.gather(table, ids), saved: [] }),
    gradient: (dy) => [tf.matMul(tf.oneHot(ids, table.shape[0]).toFloat(), dy, true, false)], // [V, H]
  });
