import { HoldfastError, requireCount } from '../core/errors';
import { batches, type BatchesOptions } from '../data/batches';
import { groupedBy } from '../data/groupedBy';
import { findings } from '../data/issues';
import { drawBelow, randomOf } from '../data/random';
import { shuffled } from '../data/shuffled';
import { readAll, requireReopenable } from '../data/source';
import type { Batches, Example, ExampleSource, OpenOptions } from '../data/types';
import type { Paired } from '../losses/cosineSimilarityLoss';
import { scoredPairs, type ScoredPair } from './scoredPairs';

export interface DrawnPairsOptions {
  /** R: so often each example is paired with one of its own label, and with one of another. Default 20. */
  readonly pairs?: number;
  /** No two examples are paired twice within an epoch; where no new pair is left, there are fewer. Default false. */
  readonly unique?: boolean;
}

export interface ContrastivePairsOptions extends DrawnPairsOptions, BatchesOptions {}

/**
 * Makes many pairs of few labelled examples, in batches: two texts of one label shall have cosine 1, two of different labels 0.
 *
 * In each of R rounds every example gets one partner of its own label and one of another: 2 · R · N pairs, half of each kind. Which
 * partners is a function of the run's seed and the epoch.
 *
 * **Needs** two labels or more.
 * **Cost** the 2 · R · N pairs of one epoch as references to the strings: the N² pairs that there are never exist.
 * **Limits** the only example of a label is paired with itself, which dropout makes two. The partner from other labels is drawn from all of
 * their examples, so frequent labels come more often.
 * **See also** `cosineSimilarityLoss`, `setFit`; `scoredPairs`, where similarities are known.
 *
 * @throws HoldfastError as `batches` does; `bad-argument`; when opened, `unknown-label` with all rows without label, `bad-data` for one label,
 *   or with all rows that have a second text
 * @see Tunstall et al., Efficient Few-Shot Learning Without Prompts, 2022, arXiv:2209.11055, section 3.1
 * @example
 * await fit(model, { objective: cosineSimilarityLoss(), data: contrastivePairs(train, { pairs: 2, batchSize: 16 }), optimizer, seed: 1 });
 */
export function contrastivePairs(source: ExampleSource, options: ContrastivePairsOptions = {}): Batches<Paired> {
  const { pairs = 20, unique = false, ...others } = options;
  requireCount('contrastivePairs', 'pairs', pairs);
  requireReopenable('contrastivePairs', source);
  batches([], others); // Refuses bad options at once.
  return {
    async *open(opening) {
      const examples = await readAll('contrastivePairs', source, opening);
      requireLabels('contrastivePairs', examples);
      requireSingle('contrastivePairs', examples);
      yield* scoredPairs(() => pairsOfEpoch(examples, { pairs, unique }, opening), others).open(opening);
    },
  };
}

/**
 * The pairs of one epoch, one after the other, alternately of one label and of two.
 *
 * @param random source of numbers in [0, 1)
 * @throws HoldfastError when read, `bad-data` with all rows that have a second text
 * @example
 * for (const { text, pair, target } of drawnPairs(train, { pairs: 1, random: Math.random })) console.log(text, pair, target);
 */
export function* drawnPairs(
  examples: readonly Example[],
  { pairs = 20, unique = false, random }: DrawnPairsOptions & { readonly random: () => number },
): Generator<ScoredPair> {
  requireSingle('drawnPairs', examples);
  // Side by side by label, so that a label is a range, and so is what is left and right of it.
  const groups = [...groupedBy(examples, ({ label }) => label!).values()];
  const rows = groups.flat();
  const ranges = rangesOf(groups);
  const used = unique ? new Set<number>() : undefined;
  const keyOf = (a: number, b: number) => Math.min(a, b) * rows.length + Math.max(a, b);
  /** Of `count` candidates one that is still free, beginning with a random one. */
  const free = (own: number, count: number, candidate: (k: number) => number): number | undefined => {
    const first = drawBelow(count, random);
    for (let k = 0; k < count; k++) {
      const other = candidate((first + k) % count);
      if (!used?.has(keyOf(own, other))) return other;
    }
    return undefined;
  };
  const pairOf = (own: number, other: number, target: number): ScoredPair => {
    used?.add(keyOf(own, other));
    const { text, ...rest } = rows[own]!;
    return { ...rest, text, pair: rows[other]!.text, target };
  };

  for (let round = 0; round < pairs; round++) {
    for (const own of shuffled([...rows.keys()], random)) {
      const { start, size } = ranges[own]!;
      const same =
        size === 1 ? free(own, 1, () => own) : free(own, size - 1, (k) => (start + k < own ? start + k : start + k + 1));
      const other = free(own, rows.length - size, (k) => (k < start ? k : k + size));
      // Both or none: as many of one kind as of the other.
      if (same === undefined || other === undefined) continue;
      yield pairOf(own, same, 1);
      yield pairOf(own, other, 0);
    }
  }
}

/** What `contrastivePairs` draws in one epoch of a run. */
export const pairsOfEpoch = (
  examples: readonly Example[],
  options: DrawnPairsOptions,
  { seed, epoch }: Pick<OpenOptions, 'seed' | 'epoch'>,
): Generator<ScoredPair> => drawnPairs(examples, { ...options, random: randomOf(seed, epoch, 'pairs') });

/** For each place in the concatenated groups: where its group begins, and how long it is. */
const rangesOf = (groups: readonly (readonly Example[])[]): { readonly start: number; readonly size: number }[] => {
  let start = 0;
  return groups.flatMap((group) => {
    const range = { start, size: group.length };
    start += group.length;
    return group.map(() => range);
  });
};

/** Throws if an example is a pair itself: its second text would have to give way to the partner's. */
export function requireSingle(owner: string, examples: readonly Example[]): void {
  const problems = findings();
  examples.forEach(({ pair }, i) => {
    if (pair !== undefined) problems.add({ message: `row ${i + 1} has a second text` });
  });
  problems.throwIfAny('bad-data', `${owner} pairs single texts with each other: join both texts of a row into one`);
}

/** Throws unless all examples have labels, and there are two or more. */
export function requireLabels(owner: string, examples: readonly Example[]): void {
  const problems = findings();
  examples.forEach(({ label }, i) => {
    if (label === undefined) problems.add({ message: `row ${i + 1} has no label` });
  });
  problems.throwIfAny('unknown-label', `${owner} needs labels`);
  const labels = new Set(examples.map(({ label }) => label));
  if (labels.size < 2)
    throw new HoldfastError(
      'bad-data',
      `${owner}: all examples have the label '${examples[0]!.label}'. It takes two labels or more.`,
    );
}
