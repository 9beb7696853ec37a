import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';
import type { Example } from '../../src/data/types';
import type { Head } from '../../src/model/types';
import { evaluate } from '../../src/training';
import { valuesOf } from '../support/close';
import { expectNoLeak } from '../support/leaks';
import { toy, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const heads = { a: ['x', 'y'], b: ['z', 'x', 'w'] };
/** Texts of different lengths, so that they are read in another order than they are in. */
const examples = (labels: readonly string[]): Example[] =>
  [[1, 2, 3, 4], [5], [6, 7], [8, 9, 10], [2], [3, 3, 3], [4, 1], [10, 9, 8, 7, 6]].map((ids, i) => ({
    text: ids.join(' '),
    label: labels[i % labels.length]!,
  }));

/** One text at a time, without a batch, padding or a mask. */
async function alone(model: Toy, { text }: Example, open: readonly Head[]) {
  const ids = text.split(' ').map(Number);
  const logits = tf.tidy(
    () => model.forward({ ids: tf.tensor2d([ids], [1, ids.length], 'int32'), mask: tf.ones([1, ids.length]) }).logits,
  );
  const all = await valuesOf(logits);
  logits.dispose();
  const options = open.flatMap(({ name, labels, offset }) =>
    labels.map((label, i) => ({ head: name, label, weight: Math.exp(all[offset + i]!) })),
  );
  const best = options.reduce((a, b) => (b.weight > a.weight ? b : a));
  return { label: best.label, head: best.head, score: best.weight / options.reduce((sum, { weight }) => sum + weight, 0) };
}

async function withToy(body: (model: Toy) => Promise<void>): Promise<void> {
  const model = toy({ heads, dropout: 0.5 });
  await body(model).finally(() => model.dispose());
}

describe('evaluate', () => {
  for (const batchSize of [1, 3, 64]) {
    test(`in batches of ${batchSize}: each prediction is that of the text alone, in the order of the examples`, () =>
      withToy(async (model) => {
        const tests = { a: examples(heads.a), b: examples(heads.b) };
        const results = await evaluate(model, tests, { batchSize });
        for (const name of ['a', 'b'] as const) {
          const { accuracy, predictions, total, confusion } = results[name];
          const want = await Promise.all(tests[name].map((example) => alone(model, example, [model.head(name)])));
          predictions.forEach((got, i) =>
            expect(got).toEqual({ ...want[i], score: expect.closeTo(want[i]!.score, 5) as number }),
          );
          expect(total).toBe(8);
          expect(accuracy).toBe(want.filter(({ label }, i) => label === tests[name][i]!.label).length / 8);
          expect(confusion.classes).toEqual(heads[name]);
          expect(confusion.counts.flat().reduce((sum, count) => sum + count)).toBe(8);
          expect(confusion.counts.reduce((sum, row, i) => sum + row[i]!, 0)).toBe(accuracy * 8);
        }
      }));
  }

  test('with all heads open, a label of another head is wrong, even of the same name', () =>
    withToy(async (model) => {
      const test = examples(['x']);
      const { accuracy, predictions, confusion } = await evaluate(model, test, { head: model.head('a'), classes: model.heads });
      const want = await Promise.all(test.map((example) => alone(model, example, model.heads)));
      predictions.forEach((got, i) => expect(got).toEqual({ ...want[i], score: expect.closeTo(want[i]!.score, 5) as number }));
      expect(new Set(predictions.map(({ head }) => head)).size).toBe(2);
      expect(accuracy).toBe(want.filter(({ head, label }) => head === 'a' && label === 'x').length / 8);
      expect(confusion.classes).toEqual(['a/x', 'y', 'z', 'b/x', 'w']);
    }));

  test('reads an async source, is printed by format, and leaves nothing behind', () =>
    expectNoLeak(() =>
      withToy(async (model) => {
        async function* stream() {
          yield* await Promise.resolve(examples(['z', 'w']));
        }
        const result = await evaluate(model, { b: stream });
        expect(result.b.total).toBe(8);
        expect(format(result)).toMatch(/accuracy +macroF1 +total/);
      }),
    ));

  test('what is refused', () =>
    withToy(async (model) => {
      const head = model.head('a');
      await expect(evaluate(model, { a: [] })).rejects.toThrow('evaluate: no examples.');
      await expect(evaluate(model, { a: examples(['x', 'q']) })).rejects.toThrow("label 'q' in row 2 is not in head 'a'");
      await expect(evaluate(model, examples(['x']), { head, classes: [model.head('b')] })).rejects.toThrow(
        "classes leave out head 'a'",
      );
      await expect(evaluate(model, { a: examples(['x']) }, { batchSize: 0 })).rejects.toThrow(
        'batchSize must be a whole number ≥ 1, got 0',
      );
      // @ts-expect-error one source needs its head
      await expect(evaluate(model, examples(['x']), {})).rejects.toThrow('needs its head');
    }));
});
