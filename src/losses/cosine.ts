import * as tf from '@tensorflow/tfjs';

/** Rows of length 1: [B, D] → [B, D]; a row of zeros stays one, with a finite gradient. */
export const unitRows = (vectors: tf.Tensor2D): tf.Tensor2D =>
  tf.mul(vectors, tf.rsqrt(tf.add(tf.sum(tf.square(vectors), 1, true), 1e-12)));

/** `cos(u_b, v_b)` of each row: [B, D], [B, D] → [B]; 0 where either is zero. */
export const cosineOf = (u: tf.Tensor2D, v: tf.Tensor2D): tf.Tensor1D => tf.sum<tf.Tensor1D>(tf.mul(unitRows(u), unitRows(v)), 1);

/** [B, 1]: 1 for rows that hold a vector, 0 for rows of zeros. */
export const presentRows = (vectors: tf.Tensor2D): tf.Tensor2D =>
  tf.cast(tf.greater(tf.sum<tf.Tensor2D>(tf.abs(vectors), 1, true), 0), 'float32');
