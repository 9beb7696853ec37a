import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createOnnxBackend } from '../../../src/engine/backend';
import {
  adamWStep,
  attention,
  dropout,
  embed,
  gelu,
  layerNorm,
  linear,
  linears,
  softmaxCrossEntropy,
} from '../../../src/engine/fused';
import { isNative } from '../../../src/engine/fused/native';
import { scaledMask } from '../../../src/engine/fused/dropout';
import { expectNoLeak } from '../../support/leaks';
import { type Case, check, outcomeOf, relative, values } from './support';

beforeAll(async () => {
  await createOnnxBackend({ threads: 2 });
});
afterAll(async () => {
  await tf.setBackend('cpu');
});

const as = <T extends tf.Tensor>(x: tf.Tensor | undefined): T => x as T;
const ids = (shape: readonly number[], below: number) =>
  tf.tensor(
    Int32Array.from(values(shape, 5), (x) => Math.abs(Math.floor(x * 1000)) % below),
    [...shape],
    'int32',
  );
/** Sentences of different lengths, one of them empty. */
const paddingOf = (B: number, T: number) =>
  tf.tensor2d(
    Float32Array.from({ length: B * T }, (_, i) => (i % T < T - Math.floor(i / T) * 2 ? 1 : 0)),
    [B, T],
  );
const attended = (B: number, T: number, H: number, heads: number, rate = 0): Case => ({
  inputs: [[B, T, H], [B, T, H], [B, T, H]], // prettier-ignore
  compute: (q, k, v) => {
    const drop = rate > 0 ? { dropout: { rate, seed: 77 } } : {};
    return attention(tf.mul(as<tf.Tensor3D>(q), 4), tf.mul(as<tf.Tensor3D>(k), 4), as(v), paddingOf(B, T), { heads, ...drop });
  },
});

const cases: Record<string, Case> = {
  'linear [7, 5] → 3': { inputs: [[7, 5], [3, 5], [3]], compute: (x, w, b) => linear(as(x), as(w), as(b)) }, // prettier-ignore
  'linear [2, 3, 8] → 1': { inputs: [[2, 3, 8], [1, 8], [1]], compute: (x, w, b) => linear(as(x), as(w), as(b)) }, // prettier-ignore
  'linear without bias': { inputs: [[1, 5], [4, 5]], compute: (x, w) => linear(as(x), as(w)) }, // prettier-ignore
  linears: {
    inputs: [[2, 3, 4], [5, 4], [2, 4], [5], [2]], // prettier-ignore
    compute: (x, v, w, b, c) => tf.concat(linears(as<tf.Tensor3D>(x), [as(v), as(w)], [as(b), as(c)]), -1),
  },
  'layerNorm [5, 7]': { inputs: [[5, 7], [7], [7]], compute: (x, g, b) => layerNorm(as(x), as(g), as(b), 1e-12) }, // prettier-ignore
  'layerNorm [2, 3, 33]': { inputs: [[2, 3, 33], [33], [33]], compute: (x, g, b) => layerNorm(tf.add(tf.mul(as(x), 5), 3), as(g), as(b), 1e-5) }, // prettier-ignore
  'layerNorm [1, 1, 3]': { inputs: [[1, 1, 3], [3], [3]], compute: (x, g, b) => layerNorm(as(x), as(g), as(b), 1e-5) }, // prettier-ignore
  'gelu [9, 5]': { inputs: [[9, 5]], compute: (x) => gelu(tf.mul(as(x), 6)) },
  'gelu at 0 and far out': {
    inputs: [[7]],
    compute: (x) => gelu(tf.mul(as(x), tf.tensor1d([0, -0, 1e-20, 15, -15, 1e3, -1e3]))),
  },
  'dropout [6, 11]': { inputs: [[6, 11]], compute: (x) => dropout(as(x), 0.3, 123) },
  'dropout [5]': { inputs: [[5]], compute: (x) => dropout(as(x), 0.5, 1) },
  'dropout [2, 3, 4, 5]': { inputs: [[2, 3, 4, 5]], compute: (x) => dropout(as(x), 0.1, 2 ** 32 - 1) },
  'attention 2 x 5, 3 heads of 4': attended(2, 5, 12, 3),
  'attention 3 x 4 with dropout': attended(3, 4, 8, 2, 0.2),
  'attention 1 x 1, 1 head': attended(1, 1, 3, 1),
  'attention 4 x 7, 1 wide heads, dropout': attended(4, 7, 5, 5, 0.5),
  'embed with equal ids': { inputs: [[6, 3]], compute: (w) => embed(as(w), as(ids([4, 5], 6))) },
  'embed of one row': { inputs: [[1, 3]], compute: (w) => embed(as(w), as(ids([1, 1], 1))) },
  'softmaxCrossEntropy [5, 4]': { inputs: [[5, 4]], compute: (x) => softmaxCrossEntropy(tf.mul(as<tf.Tensor2D>(x), 20), as(tf.tensor1d([0, 3, -1, 2, 2], 'int32'))) }, // prettier-ignore
  'softmaxCrossEntropy [1, 1]': { inputs: [[1, 1]], compute: (x) => softmaxCrossEntropy(as(x), as(tf.tensor1d([0], 'int32'))) }, // prettier-ignore
};

describe('fused on onnxruntime equals composed on cpu', () => {
  for (const [name, one] of Object.entries(cases)) {
    check(name, async () => {
      await tf.setBackend('cpu');
      const want = await outcomeOf(one);
      await tf.setBackend('onnxruntime');
      expect(isNative('HoldfastGelu')).toBe(true);
      const got = await outcomeOf(one);
      got.output.forEach((y, i) => expect(Math.abs(y - want.output[i]!)).toBeLessThan(1e-5 * Math.max(1, Math.abs(y))));
      got.grads.forEach((grad, i) => expect(relative(grad, want.grads[i]!), `gradient of input ${i}`).toBeLessThan(1e-4));
    });
  }

  check('dropout masks bit for bit', async () => {
    const masks = async () => Promise.all([7, 8].map((seed) => scaledMask([33, 5, 65], 0.1, seed).data()));
    await tf.setBackend('cpu');
    const want = await masks();
    await tf.setBackend('onnxruntime');
    expect(await masks()).toEqual(want);
  });

  for (const [name, decay, finite] of [
    ['with decay', 0.1, 1],
    ['without decay', 0, 1],
    ['not finite', 0.1, 0],
  ] as const) {
    // prettier-ignore
    check(`adamWStep ${name}`, async () => {
      const step = async () => {
        const shape = [5, 7];
        const [w, m, g] = [1, 2, 3].map((seed) => tf.tensor(values(shape, seed), shape));
        const grad = finite ? g! : tf.mul(g!, Infinity).sub(Infinity);
        const v = tf.square(tf.tensor(values(shape, 4), shape));
        const [learningRate, correction1, correction2] = [0.01, 0.3, 0.003].map((x) => tf.scalar(x));
        const scalars = { learningRate: learningRate!, correction1: correction1!, correction2: correction2!, finite: tf.scalar(finite) };
        const after = adamWStep(w!, grad, m!, v, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay, ...scalars });
        return Promise.all([...after, w!, m!, v].map((x) => x.data())) as Promise<Float32Array[]>;
      };
      await tf.setBackend('cpu');
      const want = await step();
      await tf.setBackend('onnxruntime');
      const got = await step();
      [0, 1, 2].forEach((i) => got[i]!.forEach((x, j) => expect(Math.abs(x - want[i]![j]!)).toBeLessThan(1e-6)));
      if (!finite) expect(got.slice(0, 3)).toEqual(got.slice(3));
    });
  }

  check('one compilation serves all batch sizes and lengths', async () => {
    const backend = await createOnnxBackend();
    await tf.setBackend('onnxruntime');
    const H = 6;
    const step = (B: number, T: number): Promise<unknown> =>
      outcomeOf({
        inputs: [[B, T, H], [H, H], [H], [H]], // prettier-ignore
        compute: (x, w, scale, bias) => {
          const y = gelu(layerNorm(dropout(linear(as<tf.Tensor3D>(x), as(w), as(bias)), 0.1, B + T), as(scale), as(bias), 1e-5));
          return attention(y, y, y, paddingOf(B, T), { heads: 2, dropout: { rate: 0.1, seed: T } });
        },
      });
    await step(3, 5);
    const before = backend.stats.compilations;
    for (const [B, T] of [[2, 7], [1, 5], [4, 1], [1, 1], [5, 5]] as const) await step(B, T); // prettier-ignore
    expect(backend.stats.compilations).toBe(before);
  });

  check('leaves no tensor but its result', async () => {
    for (const engine of ['cpu', 'onnxruntime']) {
      await tf.setBackend(engine);
      await expectNoLeak(async () => {
        for (const one of Object.values(cases)) await outcomeOf(one);
      });
    }
  });
});
