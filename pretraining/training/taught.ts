import * as tf from '@tensorflow/tfjs';
import type { Batch, Batches, Example } from '../../src';
import { WIDTH, type Teachers } from './teachers';

/** A batch with what the teachers say of its texts, [B, 384] each. */
export interface Taught extends Batch {
  readonly e5: tf.Tensor2D;
  readonly minilm: tf.Tensor2D;
}

/** Puts the teachers' vectors beside each batch; the examples' `id` is the row of the vector. */
export const taught = (data: Batches<Batch>, { e5, minilm }: Teachers): Batches<Taught> => ({
  async *open(opening) {
    for await (const batch of data.open(opening)) {
      const rows = (batch.examples as readonly Example[]).map(({ id }) => Number(id));
      const vectorsOf = (all: Float32Array): tf.Tensor2D => {
        const values = new Float32Array(rows.length * WIDTH);
        rows.forEach((row, b) => values.set(all.subarray(row * WIDTH, (row + 1) * WIDTH), b * WIDTH));
        return tf.tensor2d(values, [rows.length, WIDTH]);
      };
      yield { ...batch, e5: vectorsOf(e5), minilm: vectorsOf(minilm) };
    }
  },
});
