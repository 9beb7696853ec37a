import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { addGradients, denseGradients, squaredNorm, type Gradients, type Rows, type Tensors } from '../../src/core';
import { expectClose, valueOf } from '../support/close';
import { scoped, tensorCount } from '../support/leaks';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const V = 5;
const weights = () => ({ table: tf.zeros([V, 2]), bias: tf.zeros([2]) });
const gradients = (grads: Tensors, rows: Rows = {}): Gradients => ({ grads, rows });
/** Row r holds (from + r, −r). */
const some = (rows: readonly number[], from: number): Gradients =>
  gradients({ table: tf.tensor2d(rows.map((row) => [from + row, -row])) }, { table: Int32Array.from(rows) });
const all = (from: number): Gradients =>
  gradients({ table: tf.tensor2d(Array.from({ length: V }, (_, row) => [from + row, -row])) });

const dense = ({ grads, rows }: Gradients) => denseGradients(grads, rows, weights())['table']!;

describe('addGradients', () => {
  const cases: [string, () => Gradients, () => Gradients, number[] | undefined][] = [
    ['rows and the same rows', () => some([1, 3], 10), () => some([1, 3], 20), [1, 3]],
    ['rows and other rows', () => some([0, 3], 10), () => some([1, 3, 4], 20), [0, 1, 3, 4]],
    ['rows within rows', () => some([0, 1, 2, 3, 4], 10), () => some([2], 20), [0, 1, 2, 3, 4]],
    ['rows around rows', () => some([2], 10), () => some([0, 2, 4], 20), [0, 2, 4]],
    ['rows and the whole', () => some([1, 3], 10), () => all(20), undefined],
    ['the whole and rows', () => all(10), () => some([1, 3], 20), undefined],
    ['the whole and the whole', () => all(10), () => all(20), undefined],
  ];
  for (const [name, a, b, rows] of cases) {
    test(
      `${name}: a + 3 b in full size`,
      scoped(async () => {
        const added = addGradients(a(), b(), tf.scalar(3), weights());
        expect(added.rows['table']).toEqual(rows && Int32Array.from(rows));
        await expectClose(dense(added), tf.add(dense(a()), tf.mul(dense(b()), 3)), { absolute: 0, relative: 1e-6 });
        // Every row occurs once, so the norm is that of the whole.
        expect(await valueOf(squaredNorm(added.grads))).toBeCloseTo(await valueOf(squaredNorm({ table: dense(added) })), 2);
      }),
    );
  }
  test(
    'a weight that only one side has',
    scoped(async () => {
      const left = addGradients(gradients({ bias: tf.tensor1d([1, 2]) }), some([2], 10), 3, weights());
      await expectClose(left.grads['bias']!, [1, 2]);
      await expectClose(left.grads['table']!, [36, -6]);
      expect(left.rows['table']).toEqual(Int32Array.of(2));
      const right = addGradients(some([2], 10), gradients({ bias: tf.tensor1d([1, 2]) }), 3, weights());
      await expectClose(right.grads['bias']!, [3, 6]);
    }),
  );
  test(
    'makes one tensor for each weight of b, and none besides',
    scoped(() => {
      const [a, { grads, rows }, at] = [some([0, 3], 10), some([1, 3], 20), weights()];
      const b = gradients({ ...grads, bias: tf.tensor1d([1, 2]) }, rows);
      const before = tensorCount();
      addGradients(a, b, 3, at);
      expect(tensorCount() - before).toBe(2);
    }),
  );
  test(
    'changes neither side',
    scoped(async () => {
      const [a, b] = [some([0, 3], 10), some([1, 3], 20)];
      addGradients(a, b, 3, weights());
      await expectClose(a.grads['table']!, [10, 0, 13, -3]);
      expect([...b.rows['table']!]).toEqual([1, 3]);
    }),
  );
});

test(
  'denseGradients puts rows in their places and leaves the rest',
  scoped(async () => {
    const bias = tf.tensor1d([7, 8]);
    const full = denseGradients({ ...some([1, 4], 10).grads, bias }, some([1, 4], 10).rows, weights());
    await expectClose(full['table']!, [0, 0, 11, -1, 0, 0, 0, 0, 14, -4]);
    expect(full['bias']).toBe(bias);
  }),
);
