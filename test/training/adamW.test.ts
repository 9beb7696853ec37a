import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Rows, Tensors, Updater, Weights } from '../../src/core/types';
import { adamW, clipped, decays, sgd } from '../../src/training';
import { expectClose, expectSameBits } from '../support/close';
import { fixture } from '../support/fixture';
import { scoped } from '../support/leaks';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const made: Updater[] = [];
const owned = (optimizer: Updater): Updater => {
  made.push(optimizer);
  return optimizer;
};
afterEach(() => made.splice(0).forEach((optimizer) => optimizer.dispose()));

type Numbers = Record<string, number[] | null>;
interface Run {
  readonly weights: Record<string, Record<string, number[]>>;
}
interface Fixture {
  readonly shapes: Record<string, number[]>;
  readonly initial: Numbers;
  readonly rows: number[][];
  readonly grads: Numbers[];
  readonly adamW: Run;
  readonly clipped: Run & { readonly norms: number[] };
  readonly sgd: Run;
}
const torch = fixture<Fixture>('updaters.json');

const initialWeights = (): Weights =>
  Object.fromEntries(
    Object.entries(torch.initial).map(([name, values]) => [name, tf.variable(tf.tensor(values!, torch.shapes[name]))]),
  );

/** Step number `step`'s gradients; the table's as a whole or by rows. */
function gradientsAt(step: number, byRows: boolean): { grads: Tensors; rows: Rows } {
  const given = Object.entries(torch.grads[step]!).filter((entry): entry is [string, number[]] => entry[1] !== null);
  const grads = Object.fromEntries(given.map(([name, values]) => [name, tf.tensor(values, torch.shapes[name])]));
  if (!byRows) return { grads, rows: {} };
  const touched = Int32Array.from(torch.rows[step]!);
  return { grads: { ...grads, table: tf.gather(grads['table']!, tf.tensor1d(touched, 'int32')) }, rows: { table: touched } };
}

const stepTo = (
  optimizer: Updater,
  weights: Weights,
  { from = 0, to, byRows = false }: { from?: number; to: number; byRows?: boolean | ((step: number) => boolean) },
) => {
  for (let step = from; step < to; step++) {
    const { grads, rows } = gradientsAt(step, typeof byRows === 'function' ? byRows(step) : byRows);
    optimizer.apply(weights, grads, rows);
  }
};

describe('by hand', () => {
  test(
    'the first step is η in the direction of the sign, after a decay of η λ',
    scoped(async () => {
      const weights = { 'a.weight': tf.variable(tf.tensor1d([1, -2, 3])) };
      owned(adamW({ learningRate: 0.1, weightDecay: 0.5 })).apply(weights, { 'a.weight': tf.tensor1d([4, -1e-3, 0]) });
      await expectClose(weights['a.weight'], [0.95 - 0.1, -1.9 + 0.1, 2.85], { absolute: 1e-5 });
    }),
  );
  test('what decays by default', () => {
    expect(['dense.weight', 'classifier.0.weight', 'embeddings.word_embeddings.weight'].map(decays)).toEqual([true, true, true]);
    expect(['dense.bias', 'cls.predictions.bias', 'output.LayerNorm.weight', 'sa_layer_norm.weight'].map(decays)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('20 steps of PyTorch', () => {
  const runs: [string, Run, () => Updater][] = [
    ['adamW', torch.adamW, () => adamW({ learningRate: 0.01, weightDecay: 0.1 })],
    ['clipped adamW', torch.clipped, () => clipped(adamW({ learningRate: 0.01, weightDecay: 0.1 }), { norm: 1 })],
    ['sgd with momentum', torch.sgd, () => sgd({ learningRate: 0.05, momentum: 0.9 })],
  ];
  for (const [name, want, make] of runs) {
    for (const byRows of [false, true]) {
      test(
        `${name}, ${byRows ? 'by rows' : 'dense'}: a weight decayed, a bias not, a head that comes at step 8`,
        scoped(async () => {
          const weights = initialWeights();
          const optimizer = owned(make());
          let from = 0;
          for (const to of [1, 8, 9, 20]) {
            stepTo(optimizer, weights, { from, to, byRows });
            for (const [weight, values] of Object.entries(want.weights[to]!))
              await expectClose(weights[weight]!, values, { absolute: 1e-6 });
            from = to;
          }
        }),
      );
    }
  }
  test('the gradients were in fact clipped, and not always', () => {
    expect(Math.max(...torch.clipped.norms)).toBeGreaterThan(1);
    expect(torch.clipped.norms.length).toBe(20);
  });
});

describe('rows', () => {
  const make = () => adamW({ learningRate: 0.01, weightDecay: 0.1 });
  const dense = async () => {
    const weights = initialWeights();
    stepTo(owned(make()), weights, { to: 20 });
    return weights['table']!;
  };
  test(
    'equal the dense update bit for bit',
    scoped(async () => {
      const weights = initialWeights();
      stepTo(owned(make()), weights, { to: 20, byRows: true });
      await expectSameBits(weights['table']!, await dense());
    }),
  );
  test(
    'also where a dense gradient comes between, and rows after it',
    scoped(async () => {
      const weights = initialWeights();
      stepTo(owned(make()), weights, { to: 20, byRows: (step) => step < 3 || step > 6 });
      await expectSameBits(weights['table']!, await dense());
    }),
  );
  test(
    'also across a saved and restored state',
    scoped(async () => {
      const weights = initialWeights();
      const [first, second] = [owned(make()), owned(make())];
      stepTo(first, weights, { to: 10, byRows: true });
      await second.restore(await first.state());
      stepTo(second, weights, { from: 10, to: 20, byRows: true });
      await expectSameBits(weights['table']!, await dense());
    }),
  );
  test(
    'cost memory for the rows touched only',
    scoped(async () => {
      const weights = initialWeights();
      const optimizer = owned(make());
      stepTo(optimizer, weights, { to: 1, byRows: true });
      expect((await optimizer.state())['table/m']!.shape).toEqual([torch.rows[0]!.length, 3]);
    }),
  );
});

describe('steps are counted per weight', () => {
  const grads = [1, -3, 0.5, 2].map((value) => [value, -value / 2]);
  const weight = () => tf.variable(tf.tensor1d([1, 1]));
  const make = () => owned(adamW({ learningRate: 0.1 }));

  test(
    'one that misses a step goes on as if that step had not been',
    scoped(async () => {
      const weights = { a: weight(), b: weight() };
      const together = make();
      grads.forEach((grad, step) =>
        together.apply(weights, { a: tf.tensor1d(grad), ...(step !== 1 && { b: tf.tensor1d(grad) }) }),
      );
      for (const [name, own] of [
        ['a', grads],
        ['b', grads.filter((_, step) => step !== 1)],
      ] as const) {
        const [alone, single] = [make(), { w: weight() }];
        own.forEach((grad) => alone.apply(single, { w: tf.tensor1d(grad) }));
        await expectSameBits(weights[name], single.w);
      }
    }),
  );
});

test(
  'a weight without gradient stays as it is, decay or not',
  scoped(async () => {
    const weights = initialWeights();
    const { grads } = gradientsAt(0, false);
    owned(adamW({ learningRate: 0.1 })).apply(weights, { 'dense.bias': grads['dense.bias']! });
    await expectSameBits(weights['dense.weight']!, torch.initial['dense.weight']!);
  }),
);

test(
  'moments of another shape are refused, and nothing changes',
  scoped(async () => {
    const optimizer = owned(adamW({ learningRate: 0.1 }));
    optimizer.apply({ w: tf.variable(tf.ones([2])) }, { w: tf.ones([2]) });
    const other = tf.variable(tf.ones([3]));
    expect(() => optimizer.apply({ w: other }, { w: tf.ones([3]) })).toThrow("the moments of 'w' have shape [2], the weight [3]");
    await expectSameBits(other, [1, 1, 1]);
  }),
);

test('bad options are refused with the value', () => {
  expect(() => adamW({ learningRate: -1 })).toThrow('learningRate must be a number ≥ 0, got -1');
  expect(() => adamW({ learningRate: 1, betas: [0.9, 1] })).toThrow('betas[1] must be below 1, got 1');
  expect(() => adamW({ learningRate: 1, epsilon: 0 })).toThrow('epsilon must be a number');
  expect(() => adamW({ learningRate: 1, weightDecay: NaN })).toThrow('weightDecay must be a number ≥ 0, got NaN');
});
