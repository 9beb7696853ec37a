import { describe, expect, test } from 'vitest';
import {
  acceptanceThreshold,
  aurocOf,
  averagePrecisionOf,
  balancedThreshold,
  falseAcceptanceOf,
} from '../../src/training/separation';
import { fixture } from '../support/fixture';

interface Case {
  readonly inScope: number[];
  readonly outOfScope: number[];
  readonly auroc: number;
  readonly averagePrecision: number;
  readonly ofOutOfScope: number;
  readonly falseAcceptance: Record<string, number>;
  readonly threshold: Record<string, number>;
  readonly balancedAccuracy: number;
}

const { separation } = fixture<{ separation: Case[] }>('scope.json');
const negated = (values: readonly number[]) => values.map((value) => -value);
const shareAtLeast = (values: readonly number[], threshold: number) =>
  values.filter((value) => value >= threshold).length / values.length;

describe('by hand: in scope 9 8 4, out of scope 4 1', () => {
  const [inScope, outOfScope] = [
    [4, 9, 8],
    [1, 4],
  ];
  test('5.5 of 6 pairs', () => expect(aurocOf(inScope, outOfScope)).toBe(5.5 / 6));
  test('precision 1, 1, ¾ at recall ⅓, ⅔, 1', () =>
    expect(averagePrecisionOf(inScope, outOfScope)).toBeCloseTo((1 + 1 + 0.75) / 3, 12));
  test('to accept all three, one of two passes; to accept two, none', () => {
    expect(falseAcceptanceOf(inScope, outOfScope)).toBe(0.5);
    expect(falseAcceptanceOf(inScope, outOfScope, 2 / 3)).toBe(0);
  });
  test('thresholds: two of three pass from 8; the best balance lies between 8 and 4', () => {
    expect(acceptanceThreshold(inScope, 2 / 3)).toBe(8);
    expect(acceptanceThreshold(inScope)).toBe(4);
    // 8: ½ (⅔ + 1) = 5/6; 4: ½ (1 + ½) = ¾
    expect(balancedThreshold(inScope, outOfScope)).toBe(6);
  });
});

describe.each(separation)('scikit-learn: $inScope.length in scope', ({ inScope, outOfScope, ...want }) => {
  test('area under ROC, average precision of both sides', () => {
    expect(aurocOf(inScope, outOfScope)).toBeCloseTo(want.auroc, 14);
    expect(averagePrecisionOf(inScope, outOfScope)).toBeCloseTo(want.averagePrecision, 14);
    expect(averagePrecisionOf(negated(outOfScope), negated(inScope))).toBeCloseTo(want.ofOutOfScope, 14);
  });
  test('false acceptance and threshold by share', () => {
    for (const share of [0.5, 0.95, 1]) {
      expect(falseAcceptanceOf(inScope, outOfScope, share)).toBeCloseTo(want.falseAcceptance[String(share)]!, 14);
      expect(acceptanceThreshold(inScope, share)).toBe(want.threshold[String(share)]);
    }
  });
  test('no threshold has a better balanced accuracy', () => {
    const at = balancedThreshold(inScope, outOfScope);
    expect((shareAtLeast(inScope, at) + 1 - shareAtLeast(outOfScope, at)) / 2).toBeCloseTo(want.balancedAccuracy, 14);
  });
});

describe('limits', () => {
  const { inScope, outOfScope, auroc } = separation[1]!;

  test('scores against themselves ½, apart 1, the wrong way round 0; turned round, 1 − AUROC', () => {
    expect(aurocOf(inScope, inScope)).toBe(0.5);
    expect(aurocOf([3, 4], [1, 2])).toBe(1);
    expect(aurocOf([1, 2], [3, 4])).toBe(0);
    expect(aurocOf(outOfScope, inScope)).toBeCloseTo(1 - auroc, 14);
    expect(averagePrecisionOf([3, 4], [1, 2])).toBe(1);
    expect(falseAcceptanceOf([3, 4], [1, 2])).toBe(0);
    expect(averagePrecisionOf([1, 1, 1], [1])).toBe(0.75);
  });

  test('an increasing function of the scores changes nothing', () => {
    const [higher, lower] = [inScope, outOfScope].map((values) => values.map((value) => Math.exp(value) - 5));
    expect(aurocOf(higher!, lower!)).toBe(aurocOf(inScope, outOfScope));
    expect(falseAcceptanceOf(higher!, lower!)).toBe(falseAcceptanceOf(inScope, outOfScope));
  });

  test('exactly the wanted share passes where no two are equal, for every share and number', () => {
    for (let total = 1; total <= 40; total++) {
      const scores = Array.from({ length: total }, (_, n) => (n * 7) % 41);
      for (let wanted = 1; wanted <= total; wanted++)
        expect(shareAtLeast(scores, acceptanceThreshold(scores, wanted / total))).toBe(wanted / total);
    }
  });

  test('between neighbouring numbers there is no middle: the upper one; none apart: all pass', () => {
    expect(balancedThreshold([1 + Number.EPSILON], [1])).toBe(1 + Number.EPSILON);
    expect(balancedThreshold([2], [2])).toBe(2);
    expect(balancedThreshold([1], [2])).toBe(1);
  });

  test('nothing is NaN; what is refused', () => {
    for (const of of [aurocOf, averagePrecisionOf, falseAcceptanceOf]) {
      expect(of([], [1])).toBeNaN();
      expect(of([1], [])).toBeNaN();
      expect(() => of([1], [NaN])).toThrow('a score is not a finite number');
    }
    expect(() => acceptanceThreshold([])).toThrow('acceptanceThreshold: there are no scores');
    expect(() => acceptanceThreshold([1], 1.2)).toThrow('acceptance must be a number from 0 to 1, got 1.2');
    expect(() => balancedThreshold([1], [])).toThrow('1 scores in scope and 0 out of it');
  });
});
