import * as tf from '@tensorflow/tfjs';

/** [B] int32 → [B, C] of 1 and 0. `tf.oneHot` refuses a single class. */
export const oneHotOf = (labels: tf.Tensor1D, C: number): tf.Tensor2D =>
  tf.equal(labels.expandDims(1), tf.range(0, C, 1, 'int32')).cast('float32');
