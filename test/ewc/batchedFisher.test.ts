import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchedFisher } from '../../src/ewc/batchedFisher';
import { empiricalFisher } from '../../src/ewc/fisher';
import { expectClose, valueOf } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { move, oneWeight, tasks } from '../support/penalties';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const fixture = JSON.parse(readFileSync(new URL('../fixtures/fisher.json', import.meta.url), 'utf8')) as {
  readonly size: number;
  readonly batched: readonly Record<string, number[]>[];
};

const texts = [[1, 2, 3, 1], [4, 1], [2, 2, 2], [7], [8, 9]];
const labels = [0, 2, 1, 1, 0];
const inBatches = (size: number, someTexts: readonly number[][] = texts, someLabels: readonly number[] = labels) =>
  Array.from({ length: Math.ceil(someTexts.length / size) }, (_, k) =>
    toyBatch(someTexts.slice(k * size, (k + 1) * size), someLabels.slice(k * size, (k + 1) * size), { byRows: k % 2 === 0 }),
  );

describe('batchedFisher', () => {
  test(
    'by hand: f(x) = w x with one class has no gradient; the two halves of a pair that pull apart cancel',
    scoped(async () => {
      const single = await batchedFisher(oneWeight(1), [toyBatch([[2], [3]], [0, 0])]);
      expect(single.total).toBe(0);
      // The same text with both labels, at p = ½: gradients of the biases −½ and ½. Each squared is ¼; their mean is 0.
      const model = toy({ heads: { a: ['x', 'y'] } });
      for (const name of ['classifier.0.weight', 'classifier.0.bias'])
        model.weights[name]!.assign(tf.zerosLike(model.weights[name]!));
      const pair = [toyBatch([[1], [1]], [0, 1])];
      await expectClose((await batchedFisher(model, pair)).diagonal['classifier.0.bias']!, [0, 0]);
      await expectClose((await empiricalFisher(model, pair)).diagonal['classifier.0.bias']!, [0.25, 0.25]);
    }),
  );

  test(
    'equals PyTorch, a mean over batches whatever their size',
    scoped(async () => {
      for (const [t, task] of tasks.entries()) {
        const model = toy();
        move(model, task.weights);
        const got = await batchedFisher(model, inBatches(fixture.size, task.texts, task.labels));
        expect(got).toMatchObject({ kind: 'batched', examples: task.texts.length });
        const want = fixture.batched[t]!;
        expect(Object.keys(got.diagonal).sort()).toEqual(Object.keys(want).sort());
        for (const name in want) await expectClose(got.diagonal[name]!, want[name]!, { absolute: 1e-8, relative: 1e-4 });
      }
    }),
  );

  describe('limits', () => {
    test(
      'with batches of one it is the empirical Fisher; with larger ones it is not, and smaller',
      scoped(async () => {
        const model = toy({ dropout: 0.5 });
        const [one, all, fisher] = [
          await batchedFisher(model, inBatches(1)),
          await batchedFisher(model, inBatches(5)),
          await empiricalFisher(model, inBatches(5)),
        ];
        for (const name in fisher.diagonal)
          await expectClose(one.diagonal[name]!, fisher.diagonal[name]!, { absolute: 1e-7, relative: 1e-5 });
        expect(all.total).toBeLessThan(fisher.total / 2);
      }),
    );

    test(
      'samples cut within a batch, and weights choose',
      scoped(async () => {
        const model = toy();
        const weights = (name: string) => name === 'dense.weight';
        const got = await batchedFisher(model, inBatches(3), { samples: 2, weights });
        const want = await batchedFisher(model, inBatches(2, texts.slice(0, 2), labels.slice(0, 2)));
        expect([got.examples, Object.keys(got.diagonal)]).toEqual([2, ['dense.weight']]);
        await expectClose(got.diagonal['dense.weight']!, want.diagonal['dense.weight']!, { absolute: 1e-8, relative: 1e-5 });
        expect(await valueOf(tf.sum(got.diagonal['dense.weight']!))).toBeCloseTo(got.total, 6);
      }),
    );
  });

  test(
    'leaves only the diagonal',
    scoped(async () => {
      const [model, data] = [toy(), inBatches(2)];
      await expectNoLeak(async () => {
        tf.dispose((await batchedFisher(model, data)).diagonal);
        await expect(batchedFisher(model, [])).rejects.toThrow('batchedFisher: the data gave no example');
      });
    }),
  );
});
