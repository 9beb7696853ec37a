import type { Batch } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';

/** The batches of each step, `size` of them; fewer in the last one where they run out. Who takes them disposes them. */
export async function* stepBatches<B extends Batch>(source: AsyncIterable<B>, size: number): AsyncGenerator<readonly B[]> {
  let group: B[] = [];
  try {
    for await (const batch of source) {
      group.push(batch);
      if (group.length < size) continue;
      const full = group;
      group = [];
      yield full;
    }
    const rest = group;
    group = [];
    if (rest.length > 0) yield rest;
  } finally {
    group.forEach(disposeBatch);
  }
}
