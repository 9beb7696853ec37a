import { describe, expect, test } from 'vitest';
import { adamW, constant, cosine, linear, sgd } from '../../src/training';

const at = (schedule: (step: number) => number, steps: readonly number[]) => steps.map(schedule);

test('constant: up in four steps, then level', () => {
  expect(at(constant({ peak: 0.8, warmup: 4 }), [0, 1, 2, 4, 99])).toEqual([0, 0.2, 0.4, 0.8, 0.8]);
  expect(at(constant({ peak: 0.8 }), [0, 1])).toEqual([0.8, 0.8]);
});

test('linear: up in two steps, down in four, then 0', () => {
  expect(at(linear({ peak: 1, warmup: 2, steps: 6 }), [0, 1, 2, 3, 4, 5, 6, 7])).toEqual([0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0]);
});

test('cosine: half of it at half of the way', () => {
  const [start, half, third, end, after] = at(cosine({ peak: 2, warmup: 10, steps: 16 }), [10, 13, 12, 16, 20]);
  expect(start).toBe(2);
  expect(half).toBeCloseTo(1, 12);
  expect(third).toBeCloseTo(1.5, 12); // 2 · ½ (1 + cos 60°)
  expect(end).toBe(0);
  expect(after).toBe(0);
});

describe('limits', () => {
  test('without warm-up they start at the peak; warm-up all the way never divides by 0', () => {
    for (const schedule of [linear, cosine]) {
      expect(schedule({ peak: 3, steps: 5 })(0)).toBe(3);
      expect(at(schedule({ peak: 3, warmup: 5, steps: 5 }), [4, 5]).every(Number.isFinite)).toBe(true);
    }
  });
  test('bad options are refused with the value', () => {
    expect(() => linear({ peak: 1, warmup: 9, steps: 5 })).toThrow('linear: warmup must be a number from 0 to 5, got 9');
    expect(() => cosine({ peak: NaN, steps: 5 })).toThrow('peak must be a number ≥ 0, got NaN');
    expect(() => constant({ peak: 1, warmup: 0.5 })).toThrow('warmup must be a whole number ≥ 0, got 0.5');
  });
  test('a schedule that gives no number is refused when it does', () => {
    for (const make of [adamW, sgd]) {
      const optimizer = make({ learningRate: () => NaN });
      expect(() => optimizer.apply({}, {})).toThrow('learningRate(0) must be a number ≥ 0, got NaN');
      optimizer.dispose();
    }
  });
});
