import type { Labeled } from '../../src/core/types';
import type { Batches } from '../../src/data/types';
import { createRng } from '../../src/core/rng';
import { toyBatch } from './toy';

export interface ToyRow {
  readonly ids: readonly number[];
  readonly label: number;
}

/** Rows of three ids whose first one decides the label: something that the toy can learn. */
export function toyRows(count: number, { vocabulary = 11, classes = 3, seed = 5 } = {}): ToyRow[] {
  const draw = createRng(seed);
  const below = (n: number) => draw() % n;
  return Array.from({ length: count }, () => {
    const ids = Array.from({ length: 2 + below(3) }, () => 1 + below(vocabulary - 1));
    return { ids, label: ids[0]! % classes };
  });
}

/** A recipe as `batches()` is one, without a tokenizer: the order is a function of the seed and the epoch. */
export function toyBatches(rows: readonly ToyRow[], { batchSize = 4, byRows = true, shuffle = true } = {}): Batches<Labeled> {
  return {
    async *open({ seed, epoch, skip = 0 }) {
      const draw = createRng((seed + 7919 * epoch) >>> 0);
      const order = shuffle
        ? rows
            .map((row) => ({ row, key: draw() }))
            .sort((a, b) => a.key - b.key)
            .map(({ row }) => row)
        : rows;
      for (let at = skip * batchSize; at < order.length; at += batchSize) {
        const some = order.slice(at, at + batchSize);
        yield await Promise.resolve(
          toyBatch(
            some.map(({ ids }) => ids),
            some.map(({ label }) => label),
            { byRows },
          ),
        );
      }
    },
  };
}
