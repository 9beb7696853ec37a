import * as tf from '@tensorflow/tfjs';
import type { Batch } from '../core/types';

/**
 * Frees a batch's tensors, those of its views included. Whoever opened the batches does it.
 *
 * @example
 * for await (const batch of data.open({ model, seed: 1, epoch: 0 })) disposeBatch(batch);
 */
export function disposeBatch(batch: Batch): void {
  const { examples: _strings, vocabulary: _host, ...tensors } = batch;
  tf.dispose(tensors as unknown as tf.NamedTensorMap); // Encoded is a plain object of tensors, which the type of a container cannot say.
}
