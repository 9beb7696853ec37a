import seedrandom from 'seedrandom';
import { describe, expect, test } from 'vitest';
import { classBalanced, lengthSorted, shuffled, split } from '../../src/data';

const numbers = Array.from({ length: 100 }, (_, i) => i);

describe('shuffled', () => {
  test('keeps the items and leaves the original alone', () => {
    const items = [...numbers];
    const result = shuffled(items, seedrandom('1'));
    expect(items).toEqual(numbers);
    expect(result).not.toEqual(numbers);
    expect([...result].sort((a, b) => a - b)).toEqual(numbers);
  });

  test('every order is as likely: 6 orders of 3 items in 6,000 draws', () => {
    const random = seedrandom('1');
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = shuffled([1, 2, 3], random).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    // The deviation of one count is √(6000 · ⅙ · ⅚) ≈ 29.
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 29);
  });
});

describe('lengthSorted', () => {
  test('neighbours in length share a batch, the batches come in random order', () => {
    const lengths = shuffled(numbers, seedrandom('1'));
    const batches = lengthSorted(lengths, { batchSize: 8, lengthOf: (length) => length, random: seedrandom('2') });
    expect(batches).toHaveLength(13);
    for (const batch of batches) expect(Math.max(...batch) - Math.min(...batch)).toBe(batch.length - 1);
    const first = batches.map(([least]) => least!);
    expect(first).not.toEqual([...first].sort((a, b) => a - b));
  });

  test('equal lengths keep their order within a batch', () => {
    expect(lengthSorted(['b', 'a', 'c'], { batchSize: 3, lengthOf: () => 1, random: seedrandom('1') })).toEqual([
      ['b', 'a', 'c'],
    ]);
  });
});

describe('classBalanced', () => {
  test('7 places for 3 classes: 2 or 3 each', () => {
    const items = ['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1'];
    const drawn = classBalanced(items, (item) => item[0]!, seedrandom('1'));
    const counts = ['a', 'b', 'c'].map((name) => drawn.filter((item) => item.startsWith(name)).length);
    expect(counts.toSorted()).toEqual([2, 2, 3]);
    expect(new Set(drawn.filter((item) => item.startsWith('a'))).size).toBe(counts[0]); // None twice before all came once.
  });

  test('balanced data come once each', () => {
    const drawn = classBalanced(['a1', 'b1', 'a2', 'b2'], (item) => item[0]!, seedrandom('1'));
    expect(drawn.toSorted()).toEqual(['a1', 'a2', 'b1', 'b2']);
  });
});

describe('split', () => {
  const examples = [
    ...Array.from({ length: 80 }, (_, i) => ({ text: `${i}`, label: 'many' })),
    ...Array.from({ length: 20 }, (_, i) => ({ text: `f${i}`, label: 'few' })),
    { text: 'one', label: 'single' },
  ];
  const labels = (rows: readonly { readonly label: string }[]) =>
    Object.fromEntries(['many', 'few', 'single'].map((label) => [label, rows.filter((row) => row.label === label).length]));

  test('the same share of each label, a single example stays', () => {
    const { rest, held } = split(examples, { share: 0.1, seed: 1 });
    expect(labels(held)).toEqual({ many: 8, few: 2, single: 0 });
    expect(labels(rest)).toEqual({ many: 72, few: 18, single: 1 });
    expect(new Set([...rest, ...held]).size).toBe(101);
  });

  test('is a function of the seed', () => {
    expect(split(examples, { share: 0.1, seed: 1 })).toEqual(split(examples, { share: 0.1, seed: 1 }));
    expect(split(examples, { share: 0.1, seed: 2 })).not.toEqual(split(examples, { share: 0.1, seed: 1 }));
  });

  test('small labels give at least one and keep at least one', () => {
    expect(labels(split(examples.slice(78, 82), { share: 0.01, seed: 1 }).held)).toEqual({ many: 1, few: 1, single: 0 });
    expect(labels(split(examples.slice(78, 82), { share: 0.99, seed: 1 }).rest)).toEqual({ many: 1, few: 1, single: 0 });
  });

  test('by another key, and a share that cannot be', () => {
    const { held } = split(examples, { share: 0.5, seed: 1, by: ({ text }) => (text.startsWith('f') ? 'f' : 'other') });
    expect(held.filter(({ text }) => text.startsWith('f'))).toHaveLength(10);
    expect(() => split(examples, { share: 1, seed: 1 })).toThrow('share must be between 0 and 1, got 1');
    expect(() => split(examples, { share: Number.NaN, seed: 1 })).toThrow('share must be a number from 0 to 1, got NaN');
  });
});
