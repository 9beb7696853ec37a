import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { outputRows } from '../../src/data/outputRows';
import { tokenised } from '../../src/data/tokenised';
import { evaluate } from '../../src/training/evaluate';
import { expectClose } from '../support/close';
import { failure } from '../support/failure';
import { expectNoLeak } from '../support/leaks';
import { toy, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const rowsOf = (model: Toy, texts: readonly string[]) =>
  tokenised(
    texts.map((text) => ({ example: { text } })),
    [],
    model.tokenizer,
    model.maxLength,
  );

describe('outputRows', () => {
  test('the order is that of the rows, the values those of each row by itself; batches go by length', async () => {
    const model = toy();
    const rows = await rowsOf(model, ['1 2 3 4', '5', '6 7 8', '9 2', '3']);
    const alone = await outputRows(model, rows, 1, ({ pooled }) => pooled);
    const seen: (readonly number[])[] = [];
    const together = await outputRows(model, rows, 2, ({ pooled }, some) => {
      seen.push(some);
      return pooled;
    });
    expect(seen).toEqual([[1, 4], [3, 2], [0]]);
    for (const [i, row] of together.entries()) await expectClose(row, alone[i]!, { absolute: 1e-6 });
    expect(await outputRows(model, [], 2, ({ pooled }) => pooled)).toEqual([]);
    model.dispose();
  });

  test('long rows come fewer at a time, short ones as many as asked', async () => {
    const model = toy();
    const texts = [...Array<string>(5).fill('1 '.repeat(512).trim()), ...Array<string>(70).fill('2')];
    const rows = await tokenised(
      texts.map((text) => ({ example: { text } })),
      [],
      model.tokenizer,
      512,
    );
    const sizes: number[] = [];
    const found = await outputRows(model, rows, 64, ({ pooled }, some) => {
      sizes.push(some.length);
      return pooled;
    });
    // The six short ones that are left would be padded to 512 with the first long one.
    expect(sizes).toEqual([64, 6, 2, 2, 1]);
    await expectClose(found[4]!, found[0]!, { absolute: 0 });
    model.dispose();
  });

  test('numbers that are not finite are refused, and nothing leaks', async () => {
    const model = toy();
    const rows = await rowsOf(model, ['1 2 3', '5']);
    await expectNoLeak(async () => {
      const error = await failure(outputRows(model, rows, 2, ({ pooled }, some) => tf.div(pooled, tf.tensor2d(some.map((i) => [i]))))); // prettier-ignore
      expect(error.code).toBe('not-finite');
      expect(error.message).toMatch(/must be finite, got (-?Infinity|NaN): it has diverged/);
    });
    model.dispose();
  });

  test('so a model that holds NaN is not measured', async () => {
    const model = toy();
    tf.tidy(() => void model.weights['dense.bias']!.assign(tf.fill([6], NaN)));
    const error = await failure(evaluate(model, [{ text: '1', label: 'x' }], { head: model.head('a') }));
    expect(error.code).toBe('not-finite');
    model.dispose();
  });
});
