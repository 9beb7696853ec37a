import { describe, expect, test } from 'vitest';
import { confidence, energy } from '../../src/training/scopeScores';
import { calibrationErrorOf, temperatureOf } from '../../src/training/temperature';
import { fixture } from '../support/fixture';

interface Case {
  readonly logits: number[][];
  readonly labels: number[];
  readonly temperature: number;
  readonly withPrior: number;
  readonly confidence: number[];
  readonly energy: number[];
  readonly chances: number[];
  readonly right: boolean[];
  readonly errors: Record<string, number>;
}

const { calibration } = fixture<{ calibration: Case[] }>('scope.json');
const repeated = <T>(row: T, times: number): T[] => Array<T>(times).fill(row);

describe('by hand', () => {
  test('four rows say 4 : 0, three are right: p = ¾ needs 4 / T = ln 3', () => {
    const [logits, labels] = [repeated([4, 0], 4), [0, 0, 0, 1]];
    expect(temperatureOf(logits, labels, { prior: 0 })).toBeCloseTo(4 / Math.log(3), 12);
    // With the prior, 4 · (4 p − 3) + 1 − T = 0 for p = 1 / (1 + exp(−4 / T)).
    const T = temperatureOf(logits, labels);
    expect(4 * (4 / (1 + Math.exp(-4 / T)) - 3) + 1 - T).toBeCloseTo(0, 12);
  });

  test('chances 0.9, 0.9 (one right), 0.2 (wrong): ⅔ · |½ − 0.9| + ⅓ · |0 − 0.2|', () => {
    expect(calibrationErrorOf([0.9, 0.9, 0.2], [true, false, false])).toBeCloseTo((2 * 0.4 + 0.2) / 3, 12);
  });

  test('a chance on the edge of a bin belongs to the lower one, 0 to the first', () => {
    // ½ and ¼ share a bin, so their gaps ½ and −¼ cancel in part; 0.51 has one of its own.
    expect(calibrationErrorOf([0.5, 0.25, 0.51, 0], [true, false, true, false], { bins: 2 })).toBeCloseTo((0.25 + 0.49) / 4, 12);
  });

  test('scores of logits 0 and ln 3: confidence ¾, energy ln 4', () => {
    expect(confidence.of([0, Math.log(3)], 1)).toBeCloseTo(0.75, 12);
    expect(energy.of([0, Math.log(3)], 1)).toBeCloseTo(Math.log(4), 12);
  });
});

describe.each(calibration)('SciPy: $labels.length rows', ({ logits, labels, ...want }) => {
  const rows = logits.map((row) => Float32Array.from(row));
  test('temperature, without and with a prior of 4', () => {
    // The fixture's logits are float32 values, so the arrays hold the same numbers.
    expect(temperatureOf(rows, labels, { prior: 0 })).toBeCloseTo(want.temperature, 11);
    expect(temperatureOf(rows, labels, { prior: 4 })).toBeCloseTo(want.withPrior, 11);
  });
  test('confidence and energy at T = 1.7', () => {
    rows.forEach((row, n) => {
      expect(confidence.of(row, 1.7)).toBeCloseTo(want.confidence[n]!, 12);
      expect(energy.of(row, 1.7)).toBeCloseTo(want.energy[n]!, 12);
    });
  });
  test('expected calibration error', () => {
    for (const [bins, error] of Object.entries(want.errors))
      expect(calibrationErrorOf(want.chances, want.right, { bins: Number(bins) })).toBeCloseTo(error, 12);
  });
});

describe('limits', () => {
  const { logits, labels } = calibration[0]!;

  test('what is calibrated already keeps T = 1, whatever the prior; logits times c have c times the temperature', () => {
    // Row k is right as often as its softmax says.
    const rows = [...repeated([Math.log(3), 0], 4), ...repeated([0, Math.log(4)], 5)];
    const honest = [0, 0, 0, 1, 1, 1, 1, 1, 0];
    for (const prior of [0, 1, 100]) expect(temperatureOf(rows, honest, { prior })).toBeCloseTo(1, 12);
    const T = temperatureOf(logits, labels, { prior: 0 });
    const scaled = (by: number) => logits.map((row) => row.map((logit) => by * logit - 7));
    for (const by of [1e-3, 30]) expect(temperatureOf(scaled(by), labels, { prior: 0 }) / (by * T)).toBeCloseTo(1, 9);
    expect(temperatureOf(scaled(1 / T), labels)).toBeCloseTo(1, 9);
  });

  test('no rows weigh more than the prior: T → 1 as it grows, and → the plain optimum as rows repeat', () => {
    const plain = temperatureOf(logits, labels, { prior: 0 });
    expect(Math.abs(temperatureOf(logits, labels, { prior: 1e9 }) - 1)).toBeLessThan(1e-6);
    const many = Array.from({ length: 100 }, () => logits).flat();
    const same = Array.from({ length: 100 }, () => labels).flat();
    expect(Math.abs(temperatureOf(many, same) / plain - 1)).toBeLessThan(1e-3);
  });

  test('where likelihood alone has no solution the prior gives one, even for logits far apart', () => {
    expect(temperatureOf(repeated([4, 0], 20), repeated(0, 20))).toBeGreaterThan(0.5);
    expect(temperatureOf(repeated([4, 0], 20), repeated(0, 20))).toBeLessThan(1);
    expect(temperatureOf(repeated([1e4, 0], 20), repeated(1, 20))).toBeGreaterThan(1e3);
    expect(temperatureOf([[5]], [0])).toBe(1);
    expect(energy.of([1e4, -1e4], 1)).toBe(1e4);
    expect(confidence.of([1e4, -1e4], 1)).toBe(1);
  });

  test('what is refused', () => {
    expect(() => temperatureOf(repeated([4, 0], 20), repeated(0, 20), { prior: 0 })).toThrow(
      'temperatureOf: all 20 rows are right, so every lower temperature fits them better: give more rows, or leave prior at 1',
    );
    expect(() => temperatureOf(repeated([4, 0], 2), [0, 1], { prior: 0 })).toThrow('the 2 labels are no likelier than chance');
    expect(() => temperatureOf([], [])).toThrow('temperatureOf: no rows');
    expect(() => temperatureOf([[1, 2]], [])).toThrow('1 rows of logits and 0 labels');
    expect(() => temperatureOf([[1, 2]], [2])).toThrow('the label of row 1 must be a whole number from 0 to 1, got 2');
    expect(() => temperatureOf([[1, NaN]], [0])).toThrow('row 1 has a logit that is not finite');
    expect(() => temperatureOf([[1, 2]], [0], { prior: -1 })).toThrow('prior must be a number ≥ 0, got -1');
    expect(() => calibrationErrorOf([0.5], [])).toThrow('1 chances and 0 answers');
    expect(() => calibrationErrorOf([1.1], [true])).toThrow('the chance of row 1 must be a number from 0 to 1, got 1.1');
    expect(calibrationErrorOf([], [])).toBeNaN();
  });
});
