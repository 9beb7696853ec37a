import { groupedBy } from './groupedBy';
import { shuffled } from './shuffled';

/**
 * As many items as there are, but each class equally often, in random order: rare classes repeat, frequent ones lose some.
 *
 * Each class is gone through completely, in a new order each time, before one of its items comes again. With n items and C classes,
 * each class has ⌊n / C⌋ or ⌈n / C⌉ places.
 *
 * **Limits** a class with very few items repeats them often within an epoch, and is then learnt by heart.
 *
 * @example
 * const balanced = classBalanced(rows, ({ label }) => label ?? '', Math.random);
 */
export function classBalanced<T>(items: readonly T[], classOf: (item: T) => string | number, random: () => number): T[] {
  // Shuffled, so that it is left to chance which classes get one place more.
  const groups = shuffled([...groupedBy(items, classOf).values()], random).map((group) => cycle(group, random));
  const drawn = items.map((_, i) => groups[i % groups.length]!());
  return shuffled(drawn, random);
}

function cycle<T>(group: readonly T[], random: () => number): () => T {
  let left: T[] = [];
  return () => {
    if (left.length === 0) left = shuffled(group, random);
    return left.pop()!;
  };
}
