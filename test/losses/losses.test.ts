import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { isHoldfastError } from '../../src/core/errors';
import type { Labeled, Term } from '../../src/core/types';
import { crossEntropy, crossEntropyOf, focal, focalOf, klDivergence, meanOf, symmetricKl } from '../../src/losses';
import { expectClose, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Measured {
  readonly values: number[];
  readonly gradient: number[];
}
interface Numbers {
  readonly shape: [number, number];
  readonly logits: number[];
  readonly other: number[];
  readonly labels: number[];
  readonly classes: number[];
  readonly crossEntropy: Measured;
  readonly masked: Measured;
  readonly smoothed: Measured;
  readonly focal: Record<string, Measured>;
  readonly klDivergence: Measured;
  readonly symmetricKl: Measured;
  readonly klBatchMean: number;
  readonly klMean: number;
}
const torch = fixture<Numbers>('losses.json');
const batch = (more: Partial<Labeled> = {}): Labeled => ({
  ...toyBatch(
    [
      [1, 2, 3],
      [4, 5],
    ],
    [0, 2],
  ),
  ...more,
});
const lossOf = async (term: Term<Labeled>, on = batch()) => valueOf(gradientsOf(term, toy())(on).loss);

describe('by hand', () => {
  test(
    'cross entropy of p = (¾, ¼): ln 4/3 for the first class, ln 4 for the second',
    scoped(async () => {
      const logits = tf.tensor2d([
        [Math.log(3), 0],
        [Math.log(3), 0],
      ]);
      await expectClose(crossEntropyOf(logits, tf.tensor1d([0, 1], 'int32')), [Math.log(4 / 3), Math.log(4)]);
    }),
  );

  test(
    'a class that does not take part is out of the softmax',
    scoped(async () => {
      // Without the middle class e^1000 only two equal ones are left.
      const logits = tf.tensor2d([[5, 1000, 5]]);
      await expectClose(crossEntropyOf(logits, tf.tensor1d([2], 'int32'), tf.tensor2d([[1, 0, 1]])), [Math.LN2]);
    }),
  );

  test(
    'focal with γ = 2 and p = ¼: (¾)² ln 4',
    scoped(async () => {
      const logits = tf.tensor2d([[Math.log(3), 0]]);
      await expectClose(focalOf(logits, tf.tensor1d([1], 'int32'), 2), [(9 / 16) * Math.log(4)]);
    }),
  );

  test(
    'KL of (¾, ¼) from (¼, ¾) is ½ ln 3, both ways',
    scoped(async () => {
      const p = tf.tensor2d([[Math.log(3), 0]]);
      const q = tf.tensor2d([[0, Math.log(3)]]);
      for (const divergence of [klDivergence(p, q), klDivergence(q, p), symmetricKl(p, q)]) {
        await expectClose(divergence, [0.5 * Math.log(3)]);
      }
    }),
  );

  test(
    'shares replace 1 / B: here two means, of one row and of two',
    scoped(async () => {
      const losses = tf.tensor1d([3, 5, 7]);
      await expectClose(meanOf(losses, batch()), 5);
      await expectClose(meanOf(losses, batch({ shares: tf.tensor1d([1, 0.5, 0.5]) })), 3 + 6);
    }),
  );
});

describe('gradients', () => {
  const terms: Record<string, Term<Labeled>> = {
    'cross entropy': crossEntropy(),
    'smoothed cross entropy': crossEntropy({ smoothing: 0.3 }),
    focal: focal({ gamma: 2 }),
    'symmetric KL of two views': ({ batch: { inputs }, output, forward }) =>
      tf.mean(symmetricKl(output.logits, forward({ ...inputs, ids: tf.reverse(inputs.ids, -1) }).logits)),
  };
  for (const [name, term] of Object.entries(terms)) {
    test(
      `${name}: central differences`,
      scoped(() => expectGradient(term, toy(), batch())),
    );
  }
  test(
    'with a mask and shares: central differences',
    scoped(async () => {
      const masked = batch({
        classes: tf.tensor2d([
          [1, 1, 0],
          [0, 1, 1],
        ]),
        shares: tf.tensor1d([0.7, 1]),
      });
      await expectGradient(crossEntropy({ smoothing: 0.1 }), toy(), masked);
    }),
  );
  test(
    'closed classes get a gradient of exactly 0',
    scoped(async () => {
      const closed = batch({
        labels: tf.tensor1d([0, 1], 'int32'),
        classes: tf.tensor2d([
          [1, 1, 0],
          [1, 1, 0],
        ]),
      });
      for (const term of [crossEntropy(), crossEntropy({ smoothing: 0.2 }), focal()]) {
        const { grads } = gradientsOf(term, toy())(closed);
        for (const value of await valuesOf(grads['classifier.1.weight']!)) expect(Math.abs(value)).toBe(0);
      }
    }),
  );
});

describe('PyTorch', () => {
  const tensors = () => ({
    z: tf.tensor2d(torch.logits, torch.shape),
    other: tf.tensor2d(torch.other, torch.shape),
    labels: tf.tensor1d(torch.labels, 'int32'),
    classes: tf.tensor2d(torch.classes, torch.shape),
  });
  type Given = ReturnType<typeof tensors>;
  const cases: [string, Measured, (z: tf.Tensor2D, given: Given) => tf.Tensor1D][] = [
    ['cross entropy', torch.crossEntropy, (z, { labels }) => crossEntropyOf(z, labels)],
    ['masked cross entropy', torch.masked, (z, { labels, classes }) => crossEntropyOf(z, labels, classes)],
    ...[0.5, 1, 2].map((gamma): [string, Measured, (z: tf.Tensor2D, given: Given) => tf.Tensor1D] => [
      `focal, γ = ${gamma}`,
      torch.focal[String(gamma)]!,
      (z, { labels }) => focalOf(z, labels, gamma),
    ]),
    ['KL divergence', torch.klDivergence, (z, { other }) => klDivergence(z, other)],
    ['symmetric KL', torch.symmetricKl, (z, { other }) => symmetricKl(z, other)],
  ];
  for (const [name, want, loss] of cases) {
    test(
      `${name}: values and gradient`,
      scoped(async () => {
        const given = tensors();
        await expectClose(loss(given.z, given), want.values, { absolute: 1e-5, relative: 1e-5 });
        const gradient = tf.grad((z) => tf.mean(loss(z as tf.Tensor2D, given)))(given.z);
        await expectClose(gradient, want.gradient, { absolute: 1e-5 });
      }),
    );
  }
  test(
    "KL: our mean over the batch is PyTorch's 'batchmean', and C times its 'mean'",
    scoped(async () => {
      const { z, other } = tensors();
      const mean = await valueOf(tf.mean(klDivergence(z, other)));
      expect(mean).toBeCloseTo(torch.klBatchMean, 5);
      expect(mean / torch.shape[1]).toBeCloseTo(torch.klMean, 5);
    }),
  );
});

describe('limits', () => {
  test(
    'focal with γ = 0 is cross entropy',
    scoped(async () => {
      expect(await lossOf(focal({ gamma: 0 }))).toBe(await lossOf(crossEntropy()));
    }),
  );
  test(
    'smoothing 1 does not look at the labels',
    scoped(async () => {
      const swapped = batch({ labels: tf.tensor1d([2, 1], 'int32') });
      expect(await lossOf(crossEntropy({ smoothing: 1 }))).toBeCloseTo(await lossOf(crossEntropy({ smoothing: 1 }), swapped), 6);
    }),
  );
  test(
    'KL of equal distributions is exactly 0, with closed classes too',
    scoped(async () => {
      const z = tf.tensor2d([[3, -40, 7]]);
      await expectClose(klDivergence(z, z), [0], { absolute: 0 });
      await expectClose(symmetricKl(z, z.add(2), tf.tensor2d([[1, 0, 1]])), [0]);
    }),
  );
  test(
    'a sure and right example gives a finite focal gradient below γ = 1',
    scoped(async () => {
      const slope = tf.grad((z) => tf.sum(focalOf(z as tf.Tensor2D, tf.tensor1d([0], 'int32'), 0.5)))(tf.tensor2d([[80, 0]]));
      for (const value of await valuesOf(slope)) expect(value).toBeCloseTo(0, 5);
    }),
  );
  test('bad options are refused with the value', () => {
    expect(() => focal({ gamma: -1 })).toThrow('gamma must be a number ≥ 0, got -1');
    expect(() => crossEntropy({ smoothing: 2 })).toThrow('smoothing must be a number from 0 to 1, got 2');
    try {
      crossEntropy({ smoothing: NaN });
    } catch (error) {
      expect(isHoldfastError(error) && error.code).toBe('bad-argument');
    }
  });
});
