import type { Batch } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';

/** Batches in groups of `size`, the last one smaller where they run out. Who takes a group disposes its batches. */
export async function* groupsOf<B extends Batch>(source: AsyncIterable<B>, size: number): AsyncGenerator<readonly B[]> {
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
