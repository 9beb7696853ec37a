import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect } from 'vitest';
import { dropout } from '../../../src/engine/fused';
import { dropoutHash, dropoutMask } from '../../../src/engine/fused/dropoutMask';
import { check } from './support';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const dropped = (rows: number, columns: number, rate: number, seed: number) =>
  Uint8Array.from(dropoutMask(dropoutHash(rows, columns, rate, seed), rate), (x) => (x === 0 ? 1 : 0));

/** How far a count of successes lies from its mean, in standard deviations. */
const deviations = (count: number, trials: number, chance: number) =>
  (count - trials * chance) / Math.sqrt(trials * chance * (1 - chance));

describe('dropout', () => {
  check('rate 0 is the identity', async () => {
    const x = tf.tensor1d([1, 2]);
    expect([...(await dropout(x, 0, 1).data())]).toEqual([1, 2]);
  });
  check('a rate outside [0, 1) is refused', () => {
    for (const rate of [-0.1, 1, NaN])
      expect(() => dropout(tf.zeros([2]), rate, 1)).toThrow(`rate must be a number from 0 to below 1, got ${rate}`);
  });
  check('what is kept is divided by 1 − rate, and the gradient has the same mask', async () => {
    const x = tf.ones([8, 8]);
    const y = await dropout(x, 0.25, 5).data();
    expect(new Set(y)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const grad = await tf
      .grad((z) => tf.sum(dropout(z, 0.25, 5)))(x)
      .data();
    expect([...grad]).toEqual([...y]);
  });
  check('same seed, same mask; scalars and vectors have one too', async () => {
    const once = async (seed: number) => [...(await dropout(tf.ones([6, 50]), 0.5, seed).data())];
    expect(await once(3)).toEqual(await once(3));
    expect(await once(3)).not.toEqual(await once(4));
    expect((await dropout(tf.ones([100]), 0.5, 1).data()).filter((x) => x === 0).length).toBeGreaterThan(25);
    expect([0, 2]).toContain((await dropout(tf.scalar(1), 0.5, 1).data())[0]);
  });
});

describe('the mask', () => {
  const [rows, columns, rate] = [500, 384, 0.1];

  check('has the rate, over all and in each row and column', () => {
    for (const r of [0.01, 0.1, 0.5, 0.9]) {
      const mask = dropped(rows, columns, r, 11);
      expect(Math.abs(deviations(mask.reduce((a, b) => a + b, 0), mask.length, r))).toBeLessThan(4); // prettier-ignore
    }
    const mask = dropped(rows, columns, rate, 12);
    // Σ z² over independent rows is χ² with mean n and variance 2 n.
    const spread = (counts: number[], trials: number) =>
      (counts.reduce((sum, count) => sum + deviations(count, trials, rate) ** 2, 0) - counts.length) /
      Math.sqrt(2 * counts.length);
    const inRows = Array.from({ length: rows }, (_, i) =>
      mask.subarray(i * columns, (i + 1) * columns).reduce((a, b) => a + b, 0),
    );
    const inColumns = Array.from({ length: columns }, (_, j) =>
      inRows.reduce((sum, _count, i) => sum + mask[i * columns + j]!, 0),
    );
    expect(Math.abs(spread(inRows, columns))).toBeLessThan(4);
    expect(Math.abs(spread(inColumns, rows))).toBeLessThan(4);
  });
  check('is independent between neighbours, rows, columns and seeds', () => {
    const both = (a: Uint8Array, b: Uint8Array, shift: number) => {
      let count = 0;
      for (let i = 0; i + shift < a.length; i++) count += a[i]! & b[i + shift]!;
      return deviations(count, a.length - shift, rate * rate);
    };
    const mask = dropped(rows, columns, rate, 21);
    for (const shift of [1, 2, 3, columns - 1, columns, columns + 1, 2 * columns, 64 * columns])
      expect(Math.abs(both(mask, mask, shift))).toBeLessThan(4);
    for (const seed of [20, 22, 23, 21 + 2 ** 16, 21 + 2 ** 31])
      expect(Math.abs(both(mask, dropped(rows, columns, rate, seed), 0))).toBeLessThan(4);
  });
  check('has no more rectangles than chance: its product of a row and a column number leaves no trace', () => {
    // Four corners (i, j), (i, k), (l, j), (l, k) are the weakest point of a product of two hashes.
    for (const seed of [1, 2, 3, 4]) {
      let count = 0;
      let trials = 0;
      const mask = dropped(rows, columns, 0.5, seed);
      for (let i = 0; i + 7 < rows; i += 2) {
        for (let j = 0; j + 5 < columns; j += 2) {
          const at = i * columns + j;
          count += mask[at]! & mask[at + 5]! & mask[at + 7 * columns]! & mask[at + 7 * columns + 5]!;
          trials++;
        }
      }
      expect(Math.abs(deviations(count, trials, 1 / 16))).toBeLessThan(4);
    }
  });
});
