import { describe, expect, test } from 'vitest';
import { accuracyOf, confusionOf, macroF1Of } from '../../src/training';
import { fixture } from '../support/fixture';

interface Case {
  readonly classes: number;
  readonly expected: number[];
  readonly predicted: number[];
  readonly accuracy: number;
  readonly macroF1: number;
  readonly confusion: number[][];
}

test('by hand: a a b, predicted a b b', () => {
  const [expected, predicted] = [
    ['a', 'a', 'b'],
    ['a', 'b', 'b'],
  ];
  expect(accuracyOf(expected, predicted)).toBeCloseTo(2 / 3, 12);
  // a: TP 1, FN 1 → 2/3; b: TP 1, FP 1 → 2/3
  expect(macroF1Of(expected, predicted)).toBeCloseTo(2 / 3, 12);
  expect(confusionOf(expected, predicted, ['a', 'b'])).toEqual({
    classes: ['a', 'b'],
    counts: [
      [1, 1],
      [0, 1],
    ],
  });
});

describe('scikit-learn', () => {
  for (const { classes, expected, predicted, accuracy, macroF1, confusion } of fixture<{ cases: Case[] }>('metrics.json').cases) {
    test(`${expected.length} rows of ${classes} classes`, () => {
      expect(accuracyOf(expected, predicted)).toBeCloseTo(accuracy, 12);
      expect(macroF1Of(expected, predicted)).toBeCloseTo(macroF1, 12);
      expect(
        confusionOf(
          expected,
          predicted,
          Array.from({ length: classes }, (_, c) => c),
        ).counts,
      ).toEqual(confusion);
    });
  }
});

describe('limits', () => {
  test('all right is 1, all wrong is 0, nothing is NaN', () => {
    expect(macroF1Of([1, 2], [1, 2])).toBe(1);
    expect(macroF1Of([1, 2], [2, 1])).toBe(0);
    expect(macroF1Of([], [])).toBeNaN();
    expect(accuracyOf([], [])).toBeNaN();
  });
  test('different lengths and unknown classes are refused', () => {
    expect(() => accuracyOf([1], [])).toThrow('1 expected and 0 predicted values');
    expect(() => confusionOf(['a'], ['c'], ['a', 'b'])).toThrow("'c' is none of the 2 classes");
  });
});
