import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect } from 'vitest';
import { adamWStep } from '../../../src/engine/fused';
import { check } from './support';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const options = (step: number, finite = 1, decay = 0.1) => ({
  learningRate: tf.scalar(0.01),
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  decay,
  correction1: tf.scalar(1 - 0.9 ** step),
  correction2: tf.scalar(1 - 0.999 ** step),
  finite: tf.scalar(finite),
});

describe('adamWStep', () => {
  check('by hand: the first step moves by the learning rate against the sign, after the decay', async () => {
    // w = 2: decay 2 · 0.01 · 0.1 = 0.002; m̂ = g, √v̂ = |g|, so the step is 0.01 · g / |g|
    const zero = tf.zeros([2]);
    const [w, m, v] = adamWStep<tf.Tensor>(tf.tensor1d([2, 2]), tf.tensor1d([0.5, -3]), zero, zero, options(1));
    const got = await Promise.all([w, m, v].map((x) => x.data()));
    const want = [[2 - 0.002 - 0.01, 2 - 0.002 + 0.01], [0.05, -0.3], [0.00025, 0.009]]; // prettier-ignore
    want.forEach((row, i) => row.forEach((x, j) => expect(got[i]![j]).toBeCloseTo(x, 6)));
  });
  check('several steps equal the formula in double precision', async () => {
    let [w, m, v]: tf.Tensor[] = [tf.scalar(1), tf.scalar(0), tf.scalar(0)];
    let [x, a, b] = [1, 0, 0];
    for (let t = 1; t <= 5; t++) {
      const g = Math.sin(t) * 10 ** -t;
      [w, m, v] = adamWStep(w!, tf.scalar(g), m!, v!, options(t));
      a = 0.9 * a + 0.1 * g;
      b = 0.999 * b + 0.001 * g * g;
      x = x - 0.01 * 0.1 * x - (0.01 * (a / (1 - 0.9 ** t))) / (Math.sqrt(b / (1 - 0.999 ** t)) + 1e-8);
    }
    expect((await w!.data())[0]).toBeCloseTo(x, 6);
  });
  check('a gradient that is not finite changes no bit', async () => {
    const start = [[0.1, -0, 3], [0.2, 0.3, 1e-20], [0.4, 0, 1e-30]].map((x) => tf.tensor1d(x)); // prettier-ignore
    const after = adamWStep(start[0]!, tf.tensor1d([NaN, Infinity, 1e30]), start[1]!, start[2]!, options(3, 0));
    for (const [i, x] of after.entries()) expect(await x.data()).toEqual(await start[i]!.data());
  });
});
