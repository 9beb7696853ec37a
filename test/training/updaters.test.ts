import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { mapTensors } from '../../src/core/tensors';
import type { Batch, GradientFn, Model, Rows, Tensors, Updater, Weights } from '../../src/core/types';
import { adamW, averaged, clipped, constant, grouped, sgd, tfOptimizer } from '../../src/training';
import { takeStep } from '../../src/training/takeStep';
import { expectClose, expectEach, valueOf, valuesOf } from '../support/close';
import { expectNoLeak } from '../support/leaks';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Every optimizer … */
const optimizers: Record<string, () => Updater> = {
  adamW: () => adamW({ learningRate: 0.1, weightDecay: 1e-4 }),
  'adamW with a schedule': () => adamW({ learningRate: constant({ peak: 0.1, warmup: 3 }) }),
  sgd: () => sgd({ learningRate: 0.1 }),
  'sgd with momentum': () => sgd({ learningRate: 0.02, momentum: 0.9 }),
  'tf rmsprop': () => tfOptimizer(tf.train.rmsprop(0.05)),
  'tf adagrad': () => tfOptimizer(tf.train.adagrad(0.5)),
  'tf sgd': () => tfOptimizer(tf.train.sgd(0.1)),
};
/** … in every wrapper. */
const wrappers: Record<string, (make: () => Updater) => Updater> = {
  alone: (make) => make(),
  clipped: (make) => clipped(make(), { norm: 5 }),
  averaged: (make) => averaged(make(), { decay: 0.5 }),
  grouped: (make) =>
    grouped([
      { weights: (name) => name === 'bias', optimizer: make() },
      { weights: () => true, optimizer: make() },
    ]),
  'clipped and averaged groups': (make) =>
    averaged(clipped(grouped([{ weights: () => true, optimizer: clipped(make(), { norm: 9 }) }]), { norm: 5 })),
};

const start: Record<string, number[][] | number[]> = {
  table: [
    [1, -2],
    [0.5, 1],
    [-1, 2],
  ],
  bias: [2, -1],
  weight: [[1, 1]],
};
const goal: Record<string, number[][] | number[]> = {
  table: [
    [0.5, 0],
    [0.5, 1],
    [0, -0.5],
  ],
  bias: [-0.5, 0.5],
  weight: [[0, -1]],
};
const fresh = (): Weights => tf.tidy(() => ({ ...mapTensors(tensors(start), (tensor) => tf.variable(tensor)) })) as Weights;
const tensors = (values: typeof start): Tensors =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, tf.tensor(value)]));

/** The gradient of ½ ‖w − goal‖², of the table only in rows 0 and 2 (row 1 is at its goal). */
function gradients(weights: Weights): { grads: Tensors; rows: Rows } {
  const rows = Int32Array.of(0, 2);
  const dense = mapTensors(tensors(goal), (want, name) => tf.sub(weights[name]!, want));
  return { grads: { ...dense, table: tf.gather(dense['table']!, tf.tensor1d(rows, 'int32')) }, rows: { table: rows } };
}
function step(optimizer: Updater, weights: Weights, factor = 1): void {
  tf.tidy(() => {
    const { grads, rows } = gradients(weights);
    optimizer.apply(
      weights,
      mapTensors(grads, (grad) => tf.mul(grad, factor)),
      rows,
    );
  });
}
const distance = (weights: Weights) => {
  const total = tf.tidy(() =>
    tf.addN(Object.entries(tensors(goal)).map(([name, want]) => tf.sum(tf.squaredDifference(weights[name]!, want)))),
  );
  return valueOf(total).finally(() => total.dispose());
};
const read = async (all: Tensors) =>
  Object.fromEntries(
    await Promise.all(Object.entries(all).map(async ([name, tensor]) => [name, await valuesOf(tensor)] as const)),
  );

describe.each(Object.entries(wrappers))('%s', (_wrapper, wrap) => {
  describe.each(Object.entries(optimizers))('%s', (_name, make) => {
    test('gets to the goal', async () => {
      const [weights, optimizer] = [fresh(), wrap(make)];
      const before = await distance(weights);
      for (let i = 0; i < 100; i++) step(optimizer, weights);
      expect(await distance(weights)).toBeLessThan(before / 50);
      optimizer.dispose();
      tf.dispose(weights);
    });

    test('goes on from a restored state as if nothing had been', async () => {
      const [weights, first] = [fresh(), wrap(make)];
      for (let i = 0; i < 4; i++) step(first, weights);
      const second = wrap(make);
      const state = await first.state();
      await second.restore(state);
      const twin = tf.tidy(() => ({ ...mapTensors(weights, (weight) => tf.variable(weight)) })) as Weights;
      for (let i = 0; i < 4; i++) {
        step(first, weights);
        step(second, twin);
      }
      expect(await read(twin)).toEqual(await read(weights));
      expect(await read(await second.state())).toEqual(await read(await first.state()));
      first.dispose();
      second.dispose();
      tf.dispose([weights, twin]);
    });

    test.each([NaN, Infinity])('a step never shows it a gradient of %s', async (odd) => {
      const [weights, optimizer] = [fresh(), wrap(make)];
      step(optimizer, weights);
      const [before, stateBefore] = [await read(weights), await read(await optimizer.state())];
      const spoilt: GradientFn = () => {
        const { grads, rows } = gradients(weights);
        return {
          loss: tf.scalar(1),
          grads: { ...grads, bias: tf.add(grads['bias']!, tf.tensor1d([0, odd])) },
          rows,
          reports: {},
        };
      };
      const { gradientNorm } = await takeStep({ weights } as unknown as Model, optimizer, spoilt, [
        { batch: {} as Batch, count: 1 },
      ]);
      expect(gradientNorm).toBe(odd);
      expect(await read(weights)).toEqual(before);
      expect(await read(await optimizer.state())).toEqual(stateBefore);
      step(optimizer, weights);
      for (const values of Object.values(await read(weights))) expect(values.every(Number.isFinite)).toBe(true);
      optimizer.dispose();
      tf.dispose(weights);
    });

    test('refuses a gradient that has no weight, and changes nothing', async () => {
      const [weights, optimizer] = [fresh(), wrap(make)];
      const before = await read(weights);
      const apply = () =>
        tf.tidy(() => {
          const { grads, rows } = gradients(weights);
          optimizer.apply(weights, { ...grads, ghost: tf.zeros([2]) }, rows);
        });
      expect(apply).toThrow("there is a gradient of 'ghost', but no weight of that name");
      expect(await read(weights)).toEqual(before);
      optimizer.dispose();
      tf.dispose(weights);
    });

    test('leaves no tensor behind', () =>
      expectNoLeak(async () => {
        const [weights, optimizer] = [fresh(), wrap(make)];
        for (let i = 0; i < 3; i++) step(optimizer, weights);
        await optimizer.restore(await optimizer.state());
        step(optimizer, weights);
        await optimizer.state();
        optimizer.dispose();
        tf.dispose(weights);
      }));
  });
});

describe('averaged', () => {
  test('by hand: half of the old average and half of the weights, from the weights before the first step', async () => {
    const weights = { w: tf.tidy(() => tf.variable(tf.scalar(4))) };
    const optimizer = averaged(sgd({ learningRate: 1 }), { decay: 0.5 });
    tf.tidy(() => optimizer.apply(weights, { w: tf.scalar(2) })); // 4 → 2
    await expectClose(optimizer.average()['w']!, 3);
    tf.tidy(() => optimizer.apply(weights, { w: tf.scalar(1) })); // 2 → 1
    await expectClose(optimizer.average()['w']!, 2);
    optimizer.dispose();
    tf.dispose(weights);
  });
});

describe('clipped', () => {
  test('by hand: (3, 4) and (12) together have norm 13', async () => {
    const weights = tf.tidy(() => ({ a: tf.variable(tf.zeros([2])), b: tf.variable(tf.zeros([1])) }));
    const optimizer = clipped(sgd({ learningRate: 1 }), { norm: 6.5 });
    tf.tidy(() => optimizer.apply(weights, { a: tf.tensor1d([3, 4]), b: tf.tensor1d([12]) }));
    await expectClose(weights.a, [-1.5, -2], { absolute: 1e-5 });
    await expectClose(weights.b, [-6], { absolute: 1e-5 });
    optimizer.dispose();
    tf.dispose(weights);
  });
});

describe('grouped', () => {
  const apply = (optimizer: Updater, weights: Weights) =>
    tf.tidy(() =>
      optimizer.apply(
        weights,
        mapTensors(weights, (weight) => tf.onesLike(weight)),
      ),
    );
  test("each weight moves at its first group's rate", async () => {
    const weights = fresh();
    const optimizer = grouped([
      { weights: (name) => name === 'bias', optimizer: sgd({ learningRate: 1 }) },
      { weights: (name) => name !== 'table', optimizer: sgd({ learningRate: 0.1 }) },
      { weights: () => true, optimizer: sgd({ learningRate: 0 }) },
    ]);
    apply(optimizer, weights);
    await expectClose(weights['bias']!, [1, -2]);
    await expectClose(weights['weight']!, [0.9, 0.9]);
    await expectClose(weights['table']!, (start['table'] as number[][]).flat());
    expect(optimizer.rate?.()).toBe(1);
    optimizer.dispose();
    tf.dispose(weights);
  });
  test('a state that one group refuses changes none of them', async () => {
    const make = () =>
      grouped([
        { weights: (name) => name === 'bias', optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) },
        { weights: () => true, optimizer: adamW({ learningRate: 0.1 }) },
      ]);
    const [weights, once, twice] = [fresh(), make(), make()];
    step(once, weights);
    for (let i = 0; i < 2; i++) step(twice, weights);
    const before = await read(await once.state());
    const first = Object.entries(await twice.state()).filter(([name]) => name.startsWith('0/'));
    await expect((async () => once.restore(Object.fromEntries(first)))()).rejects.toThrow('the state lacks');
    expect(await read(await once.state())).toEqual(before);
    for (const optimizer of [once, twice]) optimizer.dispose();
    tf.dispose(weights);
  });
  test('a weight without a group, no groups, and a shared optimizer are refused', async () => {
    const weights = fresh();
    const only = sgd({ learningRate: 1 });
    expect(() => apply(grouped([{ weights: (name) => name === 'bias', optimizer: only }]), weights)).toThrow(
      "no group takes the weight 'table'",
    );
    await expectClose(weights['bias']!, start['bias'] as number[]);
    expect(() => grouped([])).toThrow('expected at least one group');
    expect(() =>
      grouped([
        { weights: () => true, optimizer: only },
        { weights: () => true, optimizer: only },
      ]),
    ).toThrow('two groups share one optimizer');
    await expect(
      (async () => grouped([{ weights: () => true, optimizer: only }]).restore({ '1/w': weights['bias']! }))(),
    ).rejects.toThrow("'1/w' belongs to none of the 1 groups");
    only.dispose();
    tf.dispose(weights);
  });
});

test('a state that is not one is refused, and the old one stays', async () => {
  for (const make of [
    () => adamW({ learningRate: 0.1 }),
    () => sgd({ learningRate: 0.1, momentum: 0.9 }),
    () => tfOptimizer(tf.train.adagrad(0.1)),
  ]) {
    const [weights, optimizer] = [fresh(), make()];
    step(optimizer, weights);
    const before = await read(await optimizer.state());
    await expect((async () => optimizer.restore({ 'w/m': weights['bias']! }))()).rejects.toThrow('the state lacks');
    expect(await read(await optimizer.state())).toEqual(before);
    optimizer.dispose();
    tf.dispose(weights);
  }
});

test("tf.train.adam goes on from a restored state to rounding, in a process where TensorFlow.js's names differ", async () => {
  const make = () => tfOptimizer(tf.train.adam(0.1));
  const [weights, first, second] = [fresh(), make(), make()];
  for (let i = 0; i < 4; i++) step(first, weights);
  const twin = tf.tidy(() => ({ ...mapTensors(weights, (weight) => tf.variable(weight)) })) as Weights;
  await second.restore(await first.state());
  for (let i = 0; i < 4; i++) {
    step(first, weights);
    step(second, twin);
  }
  await expectEach(twin, weights, { absolute: 1e-5 });
  expect(Object.keys(await second.state()).sort()).toEqual(Object.keys(await first.state()).sort());
  first.dispose();
  second.dispose();
  tf.dispose([weights, twin]);
});
