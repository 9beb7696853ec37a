import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createOnnxBackend } from '../../../src/engine/backend';
import { embed } from '../../../src/engine/fused';
import { expectClose, valuesOf } from '../../support/close';
import { scoped } from '../../support/leaks';

beforeAll(async () => {
  await createOnnxBackend({ threads: 2, runner: 'capi' });
  await tf.setBackend('onnxruntime');
});
afterAll(() => tf.removeBackend('onnxruntime'));

// Large enough that ONNX Runtime would share the additions out among threads.
const [N, H, V] = [1376, 192, 4];
const ids = Int32Array.from({ length: N }, (_, i) => i % V);

test(
  'rows of equal ids are all added, on two threads',
  scoped(async () => {
    for (let round = 0; round < 5; round++) {
      const sums = tf.unsortedSegmentSum(tf.ones([N, H]), tf.tensor1d(ids, 'int32'), V);
      // 1376 rows for 4 ids: 344 each.
      expect(new Set(await valuesOf(sums))).toEqual(new Set([344]));
    }
  }),
);

test(
  'the gradient of a lookup is the same bits each time',
  scoped(async () => {
    const table = tf.ones([V, H]);
    const weights = tf.tensor(
      Float32Array.from({ length: N * H }, (_, i) => Math.sin(i)),
      [N, H],
    );
    const gradient = tf.grad((t) => tf.sum(tf.mul(tf.gather(t, tf.tensor1d(ids, 'int32')), weights)));
    const first = await valuesOf(gradient(table));
    for (let round = 0; round < 5; round++) expect(await valuesOf(gradient(table))).toEqual(first);
  }),
);

test(
  'slices of equal indices are all added, on two threads',
  scoped(async () => {
    const indices = tf.tensor2d(
      Array.from(ids, (id) => [id >> 1, id & 1]),
      [N, 2],
      'int32',
    );
    for (let round = 0; round < 5; round++)
      expect(new Set(await valuesOf(tf.scatterND(indices, tf.ones([N, H]), [2, 2, H])))).toEqual(new Set([344]));
  }),
);

test(
  'the gradient of an embedding is that of cpu, and the same bits each time',
  scoped(async () => {
    const gradientOf = async (): Promise<number[]> => {
      const table = tf.ones<tf.Rank.R2>([V, H]);
      const weights = tf.tensor(
        Float32Array.from({ length: N * H }, (_, i) => Math.sin(i)),
        [N / 8, 8, H],
      );
      const places = tf.tensor2d(ids, [N / 8, 8], 'int32');
      return valuesOf(tf.grad((t) => tf.sum(tf.mul(embed(t as tf.Tensor2D, places), weights)))(table));
    };
    const first = await gradientOf();
    for (let round = 0; round < 5; round++) expect(await gradientOf()).toEqual(first);
    await tf.setBackend('cpu');
    await expectClose(await gradientOf(), first, { absolute: 1e-4 });
    await tf.setBackend('onnxruntime');
  }),
);
