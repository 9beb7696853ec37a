import { describe, expect, test } from 'vitest';
import { ranksOf, spearmanOf } from '../../pretraining/evaluation/spearman';
import { fixture } from '../support/fixture';

interface Case {
  readonly first: number[];
  readonly second: number[];
  readonly ranks: number[];
  readonly value: number;
}

test('by hand: ranks 1, 2½, 2½, 4 against 1, 2, 3, 4', () => {
  expect(ranksOf([0, 7, 7, 9])).toEqual([1, 2.5, 2.5, 4]);
  // Distances from 2½: (-1½, 0, 0, 1½) and (-1½, -½, ½, 1½): 4½ / √(4½ · 5)
  expect(spearmanOf([0, 7, 7, 9], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(22.5), 12);
});

describe('SciPy', () => {
  for (const { first, second, ranks, value } of fixture<{ spearman: Case[] }>('evaluation.json').spearman) {
    test(`${first.length} rows, ${new Set(first).size} different values`, () => {
      expect(ranksOf(first)).toEqual(ranks);
      expect(spearmanOf(first, second)).toBeCloseTo(value, 12);
    });
  }
});

describe('limits', () => {
  test('any rising function is 1, any falling one is -1', () => {
    const values = [0.3, -2, 5, 1];
    expect(spearmanOf(values, values.map(Math.exp))).toBeCloseTo(1, 12);
    expect(
      spearmanOf(
        values,
        values.map((value) => -(value ** 3)),
      ),
    ).toBeCloseTo(-1, 12);
  });
  test('a constant list and a single pair have no order', () => {
    expect(spearmanOf([1, 1, 1], [1, 2, 3])).toBeNaN();
    expect(spearmanOf([1], [2])).toBeNaN();
  });
  test('different lengths are refused', () => {
    expect(() => spearmanOf([1, 2], [1])).toThrow('2 and 1 values');
  });
});
