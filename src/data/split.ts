import { badArgument, requireNumber } from '../core/errors';
import { groupedBy } from './groupedBy';
import { randomOf } from './random';
import { shuffled } from './shuffled';
import type { Example } from './types';

export interface SplitOptions<E> {
  /** Share that is held out, between 0 and 1. */
  readonly share: number;
  readonly seed: number;
  /** Groups that are divided in the same proportion. Default: by label. */
  readonly by?: (example: E) => string;
}

export interface Split<E> {
  readonly rest: E[];
  /** For evaluation; not to be trained on. */
  readonly held: E[];
}

/**
 * Holds out a share of the examples, the same share of each label, at random; both parts keep the order of the examples.
 *
 * A label with n examples gives `share · n`, rounded, but at least one and at most n − 1; a label with a single example gives none.
 *
 * **Limits** examples that occur twice can land on both sides.
 *
 * @throws HoldfastError `bad-argument` if `share` is not between 0 and 1
 * @example
 * const { rest, held } = split(examples, { share: 0.1, seed: 1 });
 */
export function split<E extends Example>(
  examples: readonly E[],
  { share, seed, by = ({ label }) => label ?? '' }: SplitOptions<E>,
): Split<E> {
  requireNumber('split', 'share', share, 0, 1);
  if (share === 0 || share === 1) throw badArgument('split', `share must be between 0 and 1, got ${share}`);
  const groups = groupedBy(examples.keys(), (i) => by(examples[i]!));
  const random = randomOf(seed, 'split');
  const out = new Set<number>();
  for (const group of groups.values()) {
    const size = Math.min(group.length - 1, Math.max(1, Math.round(share * group.length)));
    for (const i of shuffled(group, random).slice(0, size)) out.add(i);
  }
  return { rest: examples.filter((_, i) => !out.has(i)), held: examples.filter((_, i) => out.has(i)) };
}
