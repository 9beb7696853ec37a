import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Batch, GradientFn, Model, Updater } from '../../../src/core/types';
import { createOnnxBackend, type OnnxBackend } from '../../../src/engine/backend';
import { adamW } from '../../../src/training';
import { takeStep } from '../../../src/training/takeStep';
import { valuesOf } from '../../support/close';
import { failure } from '../../support/failure';

let backend: OnnxBackend;
beforeAll(async () => {
  backend = await createOnnxBackend({ threads: 1, runner: 'capi' });
  await tf.setBackend('onnxruntime');
});
afterAll(() => tf.removeBackend('onnxruntime'));

const [V, H] = [400, 8];
const start = Float32Array.from({ length: V * H }, (_, i) => Math.sin(i));
const rows = { table: Int32Array.of(3, 0, 399) };

const create = () => ({
  weights: tf.tidy(() => ({ table: tf.variable(tf.tensor2d(start, [V, H])), bias: tf.variable(tf.ones([H])) })),
});
const gradient =
  (weights: Model['weights']): GradientFn =>
  () => ({
    loss: tf.scalar(1),
    grads: { table: tf.gather(weights['table']!, tf.tensor1d(rows.table, 'int32')), bias: tf.mul(weights['bias']!, 2) },
    rows,
    reports: {},
  });
const step = (model: { weights: Model['weights'] }, optimizer: Updater) =>
  takeStep(model as Model, optimizer, gradient(model.weights), [{ batch: {} as Batch, count: 1 }]);

/** The memory behind a weight. Reading it by `data()` would hand it out, and the next update would copy. */
const memoryOf = (weight: tf.Tensor): ArrayBufferLike | undefined =>
  (backend as unknown as { storage: { get(id: object): { values?: Float32Array } } }).storage.get(weight.dataId).values?.buffer;

describe.each([0, 0.1])('a table updated by rows, decay %d', (weightDecay) => {
  const optimizerOf = () => adamW({ learningRate: 0.1, weightDecay, decays: () => true });

  test('is written in its own memory where nobody else holds it, else copied; the bits are the same', async () => {
    const [alone, held] = [create(), create()];
    const [one, other] = [optimizerOf(), optimizerOf()];
    const clones: tf.Tensor[] = [];
    const places = new Set<ArrayBufferLike | undefined>();
    for (let n = 0; n < 4; n++) {
      await step(alone, one);
      places.add(memoryOf(alone.weights.table));
      clones.push(held.weights.table.clone());
      await step(held, other);
    }
    expect(places.size).toBe(1);
    expect(new Set(clones.map(memoryOf)).size).toBe(4);
    expect(await valuesOf(clones[0]!)).toEqual([...start]);
    const [moved, again] = [await valuesOf(alone.weights.table), await valuesOf(held.weights.table)];
    expect(moved).toEqual(again);
    expect(moved[3 * H]).not.toBe(start[3 * H]);
    // What was handed out is the reader's for good.
    const given = await alone.weights.table.data();
    const copy = given.slice();
    await step(alone, one);
    expect(given).toEqual(copy);
    one.dispose();
    other.dispose();
    tf.dispose([alone.weights, held.weights, clones]);
  });

  test('is what the whole gradient gives', async () => {
    const [sparse, dense] = [create(), create()];
    const [one, other] = [optimizerOf(), optimizerOf()];
    const whole: GradientFn = (batch) => {
      const { grads, ...found } = gradient(dense.weights)(batch);
      const table = tf.unsortedSegmentSum(grads['table']!, tf.tensor1d(rows.table, 'int32'), V);
      return { ...found, grads: { ...grads, table }, rows: {} };
    };
    for (let n = 0; n < 3; n++) {
      await step(sparse, one);
      await takeStep({ weights: dense.weights } as unknown as Model, other, whole, [{ batch: {} as Batch, count: 1 }]);
    }
    expect(await valuesOf(sparse.weights.table)).toEqual(await valuesOf(dense.weights.table));
    one.dispose();
    other.dispose();
    tf.dispose([sparse.weights, dense.weights]);
  });
});

/** More memory than any machine has. */
const endless = (x: tf.Tensor): tf.Tensor => tf.cumsum(tf.broadcastTo(tf.reshape(tf.mean(x), [1, 1]), [2 ** 31 - 1, 2 ** 20]), 1);

describe('an update that fails', () => {
  test('before the table is written leaves all weights as they were, and the next one works', async () => {
    const model = create();
    const optimizer = adamW({ learningRate: 0.1 });
    await step(model, optimizer);
    const held = model.weights.table.clone();
    const before = await valuesOf(held);
    held.dispose();
    const failing: Updater = {
      ...optimizer,
      apply: (weights, grads, found) =>
        optimizer.apply(weights, { ...grads, bias: tf.mul(grads['bias']!, tf.sum(endless(grads['bias']!))) }, found),
    };
    expect((await failure(step(model, failing))).code).toBe('engine-failed');
    expect(await valuesOf(model.weights.table)).toEqual(before);
    const fresh = adamW({ learningRate: 0.1 });
    await step(model, fresh);
    expect((await valuesOf(model.weights.table)).every(Number.isFinite)).toBe(true);
    tf.dispose(model.weights);
    optimizer.dispose();
    fresh.dispose();
  });

  test('after the table is written keeps the table that was written', async () => {
    const model = create();
    const optimizer = adamW({ learningRate: 0.1 });
    const twin = create();
    const same = adamW({ learningRate: 0.1 });
    for (let n = 0; n < 2; n++) {
      await step(model, optimizer);
      await step(twin, same);
    }
    let after: tf.Tensor | undefined;
    const failing: Updater = {
      ...optimizer,
      apply(weights, grads, found) {
        optimizer.apply(weights, grads, found);
        after = tf.keep(endless(weights['table']!));
      },
    };
    expect((await failure(step(model, failing))).code).toBe('engine-failed');
    await step(twin, same);
    expect(await valuesOf(model.weights.table)).toEqual(await valuesOf(twin.weights.table));
    after!.dispose();
    tf.dispose([model.weights, twin.weights]);
    optimizer.dispose();
    same.dispose();
  });
});
