import { drawBelow } from './random';

/**
 * The items in random order (Fisher-Yates); the original stays as it is.
 *
 * @param random source of numbers in [0, 1): `seedrandom('1')`, or `Math.random` where nothing needs to be repeated
 * @example
 * const inRandomOrder = shuffled(rows, Math.random);
 */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = drawBelow(last + 1, random);
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}
