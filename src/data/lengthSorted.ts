import { chunked } from './chunked';
import { shuffled } from './shuffled';

export interface LengthSortedOptions<T> {
  readonly batchSize: number;
  /** What a batch pads to the longest of: the number of tokens. */
  readonly lengthOf: (item: T) => number;
  readonly random: () => number;
}

/**
 * Batches of items of similar length, in random order: little padding, while the order of lengths stays random.
 *
 * **Limits** which items share a batch depends on their lengths, so give it a random part of the data (a pool) and not all of it:
 * `batches()` takes pools of 50 batches from the shuffled data. If the items do not fill all batches, the batch of the longest is smaller.
 *
 * @see `batches`
 * @example
 * const some = lengthSorted(rows, { batchSize: 2, lengthOf: ({ text }) => text.length, random: Math.random });
 */
export function lengthSorted<T>(pool: readonly T[], { batchSize, lengthOf, random }: LengthSortedOptions<T>): T[][] {
  const sorted = [...pool].sort((a, b) => lengthOf(a) - lengthOf(b)); // Stable: ties keep their random order.
  return shuffled(chunked(sorted, batchSize), random);
}
