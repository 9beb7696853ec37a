const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

/** The middle value; of an even number of values the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = ascending(values);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
}

export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** To this many digits behind the point, as a number. */
export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** The columns of a table that say where the values lie. */
export const spread = (
  values: readonly number[],
  digits = 0,
): { median: number; least: number; most: number; count: number } => ({
  median: rounded(median(values), digits),
  least: rounded(Math.min(...values), digits),
  most: rounded(Math.max(...values), digits),
  count: values.length,
});
