import { badArgument } from '../../src/core/errors';

/**
 * Spearman's rank correlation: do two lists of numbers put the same things first?
 *
 * Pearson's correlation of the ranks; equal values share the mean of the ranks they cover, as in `scipy.stats.spearmanr`.
 * NaN of fewer than two pairs, and where one list is constant.
 *
 * @throws HoldfastError `bad-argument` for lists of different lengths
 * @see Spearman, The Proof and Measurement of Association between Two Things, American Journal of Psychology 1904
 */
export function spearmanOf(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length)
    throw badArgument('spearmanOf', `${first.length} and ${second.length} values: there must be one of each per row`);
  const [a, b] = [ranksOf(first), ranksOf(second)];
  // Ranks with ties still add up to n (n + 1) / 2.
  const mean = (first.length + 1) / 2;
  let [covariance, spreadA, spreadB] = [0, 0, 0];
  a.forEach((rank, i) => {
    covariance += (rank - mean) * (b[i]! - mean);
    spreadA += (rank - mean) ** 2;
    spreadB += (b[i]! - mean) ** 2;
  });
  return covariance / Math.sqrt(spreadA * spreadB);
}

/** 1 for the smallest value; equal values get the mean of their places. */
export function ranksOf(values: readonly number[]): number[] {
  const order = [...values.keys()].sort((i, j) => values[i]! - values[j]!);
  const ranks = new Array<number>(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (const i of order.slice(from, to)) ranks[i] = (from + 1 + to) / 2;
  }
  return ranks;
}
