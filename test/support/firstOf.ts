import type { Batch } from '../../src/core/types';
import type { Batches } from '../../src/data/types';
import type { TextModel } from '../../src/model/types';

/** The first batch of an epoch, which is the caller's to dispose. */
export async function firstOf<B extends Batch>(data: Batches<B>, model: TextModel, { seed = 1, epoch = 0 } = {}): Promise<B> {
  for await (const batch of data.open({ model, seed, epoch })) return batch;
  throw new Error('there is no batch');
}
