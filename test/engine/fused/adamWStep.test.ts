import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect } from 'vitest';
import { adamWStep } from '../../../src/engine/fused';
import { factorsOf } from '../../../src/training/stepFactors';
import { check } from './support';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const options = (step: number, decay = 0.1) => factorsOf({ rate: 0.01, betas: [0.9, 0.999], epsilon: 1e-8 })(step, decay);

describe('adamWStep', () => {
  check('by hand: the first step moves by the learning rate against the sign, after the decay', async () => {
    // w = 2: decay 2 · 0.01 · 0.1 = 0.002; m̂ = g, √v̂ = |g|, so the step is 0.01 · g / |g|
    const zero = tf.zeros([2]);
    const [w, m, v] = adamWStep<tf.Tensor>(tf.tensor1d([2, 2]), tf.tensor1d([0.5, -3]), zero, zero, options(1));
    const got = await Promise.all([w, m, v].map((x) => x.data()));
    const want = [[2 - 0.002 - 0.01, 2 - 0.002 + 0.01], [0.5, -3], [0.25, 9]]; // prettier-ignore
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
  check('without moments, gradient and decay no bit changes', async () => {
    const start = tf.tensor1d([0.1, -0, 3, 1e-30]);
    const [w] = adamWStep(start, tf.zeros([4]), tf.zeros([4]), tf.zeros([4]), options(3, 0));
    expect(await w.data()).toEqual(await start.data());
  });
});
