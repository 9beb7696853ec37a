import * as tf from '@tensorflow/tfjs';

/** [U, H] rows → the whole [V, H] table's gradient, zero elsewhere. */
export const scatterRows = (grad: tf.Tensor, rows: Int32Array, height: number): tf.Tensor =>
  tf.unsortedSegmentSum(grad, tf.tensor1d(rows, 'int32'), height);
