import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect } from 'vitest';
import { attention, embed, gelu, layerNorm, linear, linears, softmaxCrossEntropy } from '../../../src/engine/fused';
import { check, expectGradients } from './support';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const close = (got: ArrayLike<number>, want: readonly number[], digits = 6) => {
  expect(got.length).toBe(want.length);
  want.forEach((x, i) => expect(got[i]).toBeCloseTo(x, digits));
};
const as = <T extends tf.Tensor>(x: tf.Tensor | undefined): T => x as T;

describe('linear', () => {
  check('by hand: [1 2] times [[3 4] [5 6]] in [out, in] layout', async () => {
    // 1·3 + 2·4 + 10 = 21, 1·5 + 2·6 + 20 = 37
    const y = linear(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4], [5, 6]]), tf.tensor1d([10, 20])); // prettier-ignore
    close(await y.data(), [21, 37]);
  });
  check('gradients of x, weight and bias, with leading axes', async () => {
    await expectGradients({ inputs: [[2, 3, 4], [5, 4], [5]], compute: (x, w, b) => linear(as(x), as(w), as(b)) }); // prettier-ignore
    await expectGradients({ inputs: [[3, 4], [1, 4]], compute: (x, w) => linear(as(x), as(w)) }); // prettier-ignore
  });
  check('a wrong width is refused with both shapes', () => {
    expect(() => linear(tf.zeros([2, 3]), tf.zeros([5, 4]))).toThrow(
      'x of shape [2, 3] does not end in the 4 inputs of the weight [5, 4]',
    );
  });
});

describe('linears', () => {
  check('are the single ones', async () => {
    const x = tf.randomNormal([2, 3, 4], 0, 1, 'float32', 1);
    const weights = [tf.randomNormal<tf.Rank.R2>([5, 4]), tf.randomNormal<tf.Rank.R2>([2, 4])];
    const biases = [tf.randomNormal<tf.Rank.R1>([5]), tf.randomNormal<tf.Rank.R1>([2])];
    const all = linears(x, weights, biases);
    for (const [k, y] of all.entries()) close(await y.data(), [...(await linear(x, weights[k]!, biases[k]).data())]);
  });
  check('gradients', async () => {
    await expectGradients({
      inputs: [[2, 3, 4], [5, 4], [2, 4], [5], [2]], // prettier-ignore
      compute: (x, v, w, b, c) => tf.concat(linears(as<tf.Tensor3D>(x), [as(v), as(w)], [as(b), as(c)]), -1),
    });
  });
  check('a missing bias is refused', () => {
    expect(() => linears(tf.zeros([1, 2]), [tf.zeros([2, 2])], [])).toThrow('got 1 weights and 0 biases');
  });
});

describe('layerNorm', () => {
  check('by hand: [1 3] has mean 2 and variance 1', async () => {
    const y = layerNorm(tf.tensor2d([[1, 3]]), tf.tensor1d([2, 3]), tf.tensor1d([10, 20]), 1e-12);
    close(await y.data(), [8, 23]);
  });
  check('gradients', async () => {
    await expectGradients({ inputs: [[2, 3, 6], [6], [6]], compute: (x, g, b) => layerNorm(as(x), as(g), as(b), 1e-5) }); // prettier-ignore
  });
});

describe('gelu', () => {
  check('by hand: Φ(1) = 0.8413447', async () =>
    close(await gelu(tf.tensor1d([0, 1, -1, 12])).data(), [0, 0.8413447, -0.1586553, 12], 5),
  );
  check('gradient', () => expectGradients({ inputs: [[3, 5]], compute: (x) => gelu(tf.mul(x!, 3)) }));
});

describe('attention', () => {
  const ones = (B: number, T: number) => tf.ones<tf.Rank.R2>([B, T]);

  check('by hand: one head, two keys', async () => {
    // d = 1: scores q·k = (0, ln 3), p = (¼, ¾), output ¼·4 + ¾·8 = 7
    const column = (...x: number[]) => tf.tensor3d(x, [1, x.length, 1]);
    const y = attention(column(1, 1), column(0, Math.log(3)), column(4, 8), ones(1, 2), { heads: 1 });
    close(await y.data(), [7, 7], 5);
  });
  check('heads are slices of the last axis', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => tf.randomNormal<tf.Rank.R3>([2, 5, 6], 0, 1, 'float32', seed));
    const whole = attention(q!, k!, v!, ones(2, 5), { heads: 3 });
    const parts = [0, 2, 4].map((at) => {
      const [a, b, c] = [q!, k!, v!].map((x) => tf.slice(x, [0, 0, at], [2, 5, 2]));
      return attention(a!, b!, c!, ones(2, 5), { heads: 1 });
    });
    close(await whole.data(), [...(await tf.concat(parts, -1).data())], 5);
  });
  check('padding keys change nothing, whatever they hold; a row of padding stays finite', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => tf.randomNormal<tf.Rank.R3>([1, 4, 6], 0, 1, 'float32', seed));
    const short = [q!, k!, v!].map((x) => tf.slice(x, [0, 0, 0], [1, 3, 6]));
    const mask = tf.tensor2d([[1, 1, 1, 0]]);
    const padded = attention(q!, tf.mul(k!, tf.tensor3d([1, 1, 1, 1e4], [1, 4, 1])), v!, mask, { heads: 2 });
    const alone = attention(short[0]!, short[1]!, short[2]!, ones(1, 3), { heads: 2 });
    close(await tf.slice(padded, [0, 0, 0], [1, 3, 6]).data(), [...(await alone.data())], 5);
    const nothing = attention(q!, k!, v!, tf.zeros([1, 4]), { heads: 2 });
    expect([...(await nothing.data())].every(Number.isFinite)).toBe(true);
  });
  check('gradients, with padding and dropout', async () => {
    const mask = tf.tensor2d([[1, 1, 1], [1, 1, 0]]); // prettier-ignore
    const shape = [2, 3, 4];
    await expectGradients({
      inputs: [shape, shape, shape],
      compute: (q, k, v) => attention(as(q), as(k), as(v), mask, { heads: 2 }),
    });
    const drop = { rate: 0.3, seed: 7 };
    await expectGradients({
      inputs: [shape, shape, shape],
      compute: (q, k, v) => attention(as(q), as(k), as(v), mask, { heads: 2, dropout: drop }),
    });
  });
  check('heads that do not divide H are refused', () => {
    const x = tf.zeros<tf.Rank.R3>([1, 2, 6]);
    expect(() => attention(x, x, x, ones(1, 2), { heads: 4 })).toThrow('heads must divide the hidden size 6, got 4');
  });
});

describe('embed', () => {
  check('by hand, equal ids add up their gradients', async () => {
    const table = tf.tensor2d([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
    const ids = tf.tensor2d([[2, 0, 2]], [1, 3], 'int32');
    close(await embed(table, ids).data(), [5, 6, 1, 2, 5, 6]);
    const grad = tf.grad((w) => tf.sum(embed(w as tf.Tensor2D, ids)))(table);
    close(await grad.data(), [1, 1, 0, 0, 2, 2]);
  });
});

describe('softmaxCrossEntropy', () => {
  check('by hand: p = (¾, ¼)', async () => {
    const logits = tf.tensor2d([[Math.log(3), 0], [Math.log(3), 0], [9, 9]]); // prettier-ignore
    const loss = softmaxCrossEntropy(logits, tf.tensor1d([0, 1, -1], 'int32'));
    close(await loss.data(), [Math.log(4 / 3), Math.log(4), 0]);
  });
  check('large logits do not overflow', async () => {
    close(await softmaxCrossEntropy(tf.tensor2d([[1000, 0]]), tf.tensor1d([1], 'int32')).data(), [1000]);
  });
  check('gradient', async () => {
    const labels = tf.tensor1d([2, 0, -1], 'int32');
    await expectGradients({ inputs: [[3, 4]], compute: (x) => softmaxCrossEntropy(as(x), labels) });
  });
});
