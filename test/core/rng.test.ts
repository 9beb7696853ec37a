import { describe, expect, test } from 'vitest';
import { createRng, mix } from '../../src/core';

const draws = (seed: number, count: number) => {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => rng());
};

describe('mix', () => {
  test('gives 32-bit whole numbers, the same every time', () => {
    for (const value of [mix(0, 0), mix(1, 2), mix(0xffffffff, 12345)]) {
      expect(Number.isInteger(value) && value >= 0 && value <= 0xffffffff).toBe(true);
    }
    expect(mix(7, 9)).toBe(mix(7, 9));
    // Fixed numbers: a change would silently change every seeded run.
    expect([mix(0, 0), mix(1, 0), mix(0, 1)]).toEqual([2287948138, 3305310087, 2903081832]);
  });

  test('every bit is set half of the time, over counters and over seeds', () => {
    const n = 20_000;
    for (const numbers of [Array.from({ length: n }, (_, i) => mix(42, i)), Array.from({ length: n }, (_, i) => mix(i, 42))]) {
      for (let bit = 0; bit < 32; bit++) {
        const share = numbers.filter((value) => (value >>> bit) & 1).length / n;
        expect(Math.abs(share - 0.5), `bit ${bit}`).toBeLessThan(0.015); // 4 σ = 0.014
      }
    }
  });

  test('one changed input bit changes half of the output bits', () => {
    let changed = 0;
    const n = 500;
    for (let i = 0; i < n; i++) {
      for (let bit = 0; bit < 32; bit++) {
        let difference = mix(3, i) ^ mix(3, i ^ (1 << bit));
        for (; difference !== 0; difference &= difference - 1) changed++;
      }
    }
    expect(changed / (n * 32 * 32)).toBeCloseTo(0.5, 1);
  });

  test('uniform: chi square of 256 bins', () => {
    const [n, bins] = [65_536, new Array<number>(256).fill(0)];
    for (let i = 0; i < n; i++) bins[mix(5, i) >>> 24]!++;
    const expected = n / 256;
    const chi = bins.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(255 + 5 * Math.sqrt(2 * 255));
    expect(chi).toBeGreaterThan(255 - 5 * Math.sqrt(2 * 255));
  });

  test('neighbouring seeds are unrelated', () => {
    const [a, b] = [draws(1, 4000), draws(2, 4000)].map((values) => values.map((value) => value / 2 ** 32 - 0.5));
    const correlation = a!.reduce((sum, value, i) => sum + value * b![i]!, 0) / 4000 / (1 / 12);
    expect(Math.abs(correlation)).toBeLessThan(0.07);
  });
});

describe('createRng', () => {
  test('goes on from its counter', () => {
    const whole = draws(9, 10);
    const rng = createRng(9);
    for (let i = 0; i < 4; i++) rng();
    expect(rng.counter).toBe(4);
    const resumed = createRng(rng.seed, rng.counter);
    expect(Array.from({ length: 6 }, () => resumed())).toEqual(whole.slice(4));
  });
  test('different seeds, different draws', () => {
    expect(new Set([...draws(0, 1000), ...draws(1, 1000)]).size).toBeGreaterThan(1998);
  });
  test('a seed that is none is refused', () => {
    for (const seed of [-1, 1.5, 2 ** 32, NaN])
      expect(() => createRng(seed)).toThrow('seed must be a whole number from 0 to 4294967295');
  });
});
