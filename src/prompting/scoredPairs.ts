import * as tf from '@tensorflow/tfjs';
import { batches, type BatchesOptions } from '../data/batches';
import { findings } from '../data/issues';
import { readAll, requireReopenable } from '../data/source';
import type { Batches, Example, ExampleSource } from '../data/types';
import { withView } from '../data/withView';
import type { Paired } from '../losses/cosineSimilarityLoss';

/** Two texts and the cosine that their vectors are to have. */
export interface ScoredPair extends Example {
  readonly pair: string;
  readonly target: number;
}

/**
 * Turns pairs of known similarity into batches for `cosineSimilarityLoss`: each text is read by itself, not together with the other.
 *
 * **Limits** `batch.examples` hold the second text as the view `other`, beside the views that the pairs bring.
 * **See also** `contrastivePairs`, which makes pairs from labels.
 *
 * @throws HoldfastError as `batches` does; when opened, `bad-data` with all rows that lack a second text or a finite target, or
 *   have a view `other`
 * @example
 * const similar = [{ text: 'send me the bill', pair: 'i need an invoice', target: 0.9 }, { text: 'send me the bill', pair: 'hello', target: 0 }];
 * await fit(model, { objective: cosineSimilarityLoss(), data: scoredPairs(similar), optimizer, seed: 1 });
 */
export function scoredPairs(source: ExampleSource<ScoredPair>, options: BatchesOptions = {}): Batches<Paired> {
  requireReopenable('scoredPairs', source);
  batches([], options); // Refuses bad options at once.
  return {
    async *open(opening) {
      const pairs = await readAll('scoredPairs', source, opening);
      requireScores(pairs);
      const rows = pairs.map(({ pair, ...row }) => ({ ...row, views: { ...row.views, other: { text: pair } } }));
      for await (const batch of batches(rows, options).open(opening))
        yield await withView(batch, () => ({ targets: tf.tensor1d(batch.examples.map((row) => (row as ScoredPair).target)) })); // [B]
    },
  };
}

function requireScores(pairs: readonly ScoredPair[]): void {
  const problems = findings();
  pairs.forEach(({ pair, target, views }: Partial<ScoredPair>, i) => {
    if (typeof pair !== 'string') problems.add({ message: `row ${i + 1} has no second text` });
    if (!Number.isFinite(target)) problems.add({ message: `row ${i + 1} has no finite target, got ${target}` });
    if (views?.['other']) problems.add({ message: `row ${i + 1} has a view 'other', where the second text goes: rename it` });
  });
  problems.throwIfAny('bad-data', 'scoredPairs cannot use the pairs');
}
