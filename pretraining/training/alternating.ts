import type { Batch, Batches } from '../../src';

/**
 * Every `every`-th batch is one of `second`, the others are of `first`. An epoch ends where one of them does, so that a position in
 * it says how many of each have been.
 */
export const alternating = <A extends Batch, B extends Batch>(
  first: Batches<A>,
  second: Batches<B>,
  every: number,
): Batches<A | B> => ({
  async *open(opening) {
    const { skip = 0 } = opening;
    const ofSecond = Math.floor(skip / every);
    const one = first.open({ ...opening, skip: skip - ofSecond })[Symbol.asyncIterator]();
    const other = second.open({ ...opening, skip: ofSecond })[Symbol.asyncIterator]();
    try {
      for (let number = skip; ; number++) {
        const next: IteratorResult<A | B, unknown> = await (number % every === every - 1 ? other : one).next();
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await Promise.all([one.return?.(), other.return?.()]);
    }
  },
});
