import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createStep,
  evaluationOf,
  gradientsOf,
  mapTensors,
  meanGradients,
  named,
  shifted,
  squaredNorm,
  sum,
  type Batch,
  type GradientFn,
  type GradientTransform,
  type Labeled,
  type Model,
} from '../../src/core';
import { crossEntropy } from '../../src/losses';
import { cut } from '../../src/engine/cut';
import { averaged, clipped, sgd } from '../../src/training';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { scoped, tensorCount } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const batch = () =>
  toyBatch(
    [
      [1, 2, 3],
      [4, 5],
    ],
    [0, 2],
    { byRows: true },
  );

/** A fast-gradient attack in its smallest form. */
const attack =
  (epsilon: number): GradientTransform =>
  (next, model) =>
  (given, weights) => {
    const clean = next(shifted(given, model), weights);
    return meanGradients(clean, next(shifted(given, model, tf.mul(tf.sign(clean.offset!), epsilon)), weights));
  };
/** The gradient at a point beside the weights. */
const elsewhere =
  (by: number): GradientTransform =>
  (next, model) =>
  (given, weights = model.weights) =>
    next(
      given,
      mapTensors(weights, (weight) => tf.add(weight, by)),
    );
const nothing: GradientTransform = (next) => next;

describe('transforms', () => {
  test(
    'attacks compose: the inner one starts from the offset of the outer one',
    scoped(async () => {
      const model = toy();
      const largest: number[] = [];
      const evaluate = gradientsOf(crossEntropy(), model);
      const spy = <B extends Batch>(given: B, weights?: Parameters<GradientFn>[1]) => {
        largest.push(Math.max(...(given.inputs.offset!.dataSync() as Float32Array).map(Math.abs)));
        return evaluate(given as unknown as Labeled, weights);
      };
      attack(1)(attack(0.1)(spy, model), model)(batch());
      [0, 0.1, 1, 1.1].forEach((size, i) => expect(largest[i]).toBeCloseTo(size, 6));
    }),
  );

  test(
    'shifted adds to the offset that is there, or opens one of zeros',
    scoped(async () => {
      const model = toy();
      const ones = tf.ones<tf.Rank.R3>([2, 3, 6]);
      await expectClose(shifted(batch(), model).inputs.offset!, Array<number>(36).fill(0));
      await expectClose(shifted(shifted(batch(), model, ones), model, ones).inputs.offset!, Array<number>(36).fill(2));
      await expectClose(shifted(shifted(batch(), model, ones), model).inputs.offset!, Array<number>(36).fill(1));
    }),
  );

  test(
    'one that looks elsewhere changes no weight and gives the gradient there',
    scoped(async () => {
      const model = toy();
      const before = await valuesOf(model.weights['dense.weight']!);
      const evaluate = gradientsOf(crossEntropy(), model);
      const got = elsewhere(0.1)(evaluate as GradientFn, model)(batch());
      await expectSameBits(model.weights['dense.weight']!, before);
      await expectSameBits(
        got.grads['dense.weight']!,
        evaluate(
          batch(),
          mapTensors(model.weights, (weight) => tf.add(weight, 0.1)),
        ).grads['dense.weight']!,
      );
    }),
  );

  test(
    'the first one is the outermost',
    scoped(() => {
      const order: string[] = [];
      const noting =
        (name: string): GradientTransform =>
        (next) =>
        (given, weights) => {
          order.push(name);
          return next(given, weights);
        };
      evaluationOf(toy(), { objective: crossEntropy(), transforms: [noting('first'), noting('second')] })(batch());
      expect(order).toEqual(['first', 'second']);
    }),
  );

  test(
    'limits: no transform, or an attack of strength 0, is the plain gradient',
    scoped(async () => {
      const model = toy();
      const plain = gradientsOf(crossEntropy(), model)(batch());
      for (const transform of [nothing, attack(0), elsewhere(0)]) {
        const got = evaluationOf(model, { objective: crossEntropy(), transforms: [transform] })(batch());
        for (const name of Object.keys(plain.grads)) await expectClose(got.grads[name]!, plain.grads[name]!);
      }
    }),
  );

  test(
    'the mean of clean and attacked reports the clean loss',
    scoped(async () => {
      const model = toy();
      const evaluate = gradientsOf(named('ce', crossEntropy()), model);
      const [clean, other] = [
        evaluate(batch()),
        evaluate(
          batch(),
          mapTensors(model.weights, (weight) => tf.mul(weight, 2)),
        ),
      ];
      const mean = meanGradients(clean, other);
      expect(mean.loss).toBe(clean.loss);
      expect(mean.reports).toBe(clean.reports);
      await expectClose(mean.grads['dense.bias']!, tf.add(clean.grads['dense.bias']!, other.grads['dense.bias']!).mul(0.5));
    }),
  );
});

describe('a step', () => {
  test('everything together: the loss falls, no tensor leaks', async () => {
    const model: Model & { dispose(): void } = toy();
    const optimizer = clipped(averaged(sgd({ learningRate: 0.1 })), { norm: 1 });
    const given = batch();
    const penalty = ({ weights }: { readonly weights: Model['weights'] | Record<string, tf.Tensor> }) =>
      squaredNorm(weights).mul<tf.Scalar>(1e-3);
    const step = createStep(model, {
      objective: sum(named('ce', crossEntropy()), penalty),
      transforms: [attack(0.1), elsewhere(1e-3), attack(0.1)],
      optimizer,
    });
    const run = async () => {
      const { loss, reports } = step(given);
      const value = await valueOf(loss);
      expect(await valueOf(reports['ce']!)).toBeLessThan(value);
      tf.dispose([loss, reports]);
      return value;
    };
    const first = await run();
    const count = tensorCount();
    for (let i = 0; i < 15; i++) await run();
    expect(tensorCount()).toBe(count);
    expect(await run()).toBeLessThan(first);
    optimizer.dispose();
    model.dispose();
    const { examples: _, vocabulary: __, ...tensors } = given;
    tf.dispose(tensors as never);
  });

  test(
    'an error leaves the weights as they are',
    scoped(async () => {
      const model = toy();
      const before = await valuesOf(model.weights['dense.weight']!);
      const optimizer = sgd({ learningRate: 1 });
      const step = createStep(model, {
        objective: () => {
          throw new Error('inside the tape');
        },
        optimizer,
      });
      expect(() => step(batch())).toThrow('inside the tape');
      await expectSameBits(model.weights['dense.weight']!, before);
    }),
  );
});

test(
  'cut does nothing on an engine that computes at once',
  scoped(async () => {
    const x = tf.tensor1d([1, 2]);
    const y = tf.square(x);
    const count = tensorCount();
    cut();
    expect(tensorCount()).toBe(count);
    await expectClose(y, [1, 4]);
  }),
);
