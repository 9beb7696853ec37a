import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { Labeled } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import { empiricalFisher, exactFisher, sampledFisher } from '../../src/ewc/fisher';
import type { MeasureEvent } from '../../src/ewc/meanOverExamples';
import type { Fisher } from '../../src/ewc/measuredFisher';
import { normalised } from '../../src/ewc/normalised';
import { expectClose, valueOf } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';
import type { Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Fixture {
  readonly tasks: readonly {
    readonly texts: number[][];
    readonly labels: number[];
    readonly weights: Record<string, number[]>;
    readonly fisher: Record<string, number[]>;
    readonly exact: Record<string, number[]>;
  }[];
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/ewc.json', import.meta.url), 'utf8')) as Fixture;

function at(weights: Record<string, number[]>): Toy {
  const model = toy();
  for (const name in weights) model.weights[name]!.assign(tf.tensor(weights[name]!, model.weights[name]!.shape));
  return model;
}

async function expectDiagonal({ diagonal }: Fisher, want: Record<string, number[]>): Promise<void> {
  expect(Object.keys(diagonal).sort()).toEqual(Object.keys(want).sort());
  for (const name in want) await expectClose(diagonal[name]!, want[name]!, { absolute: 1e-6, relative: 1e-4 });
}

const texts = [[1, 2, 3, 1], [4, 1], [2, 2, 2], [7], [8, 9]];
const labels = [0, 2, 1, 1, 0];

describe('empiricalFisher', () => {
  test(
    'equals PyTorch, one example at a time',
    scoped(async () => {
      for (const { texts: own, labels: wanted, weights, fisher } of fixture.tasks) {
        const got = await empiricalFisher(at(weights), [toyBatch(own, wanted)]);
        await expectDiagonal(got, fisher);
        const all = Object.values(fisher).flat();
        expect(got).toMatchObject({ kind: 'empirical', examples: own.length });
        expect(got.total).toBeCloseTo(
          all.reduce((a, b) => a + b, 0),
          4,
        );
        expect(got.largest).toBeCloseTo(Math.max(...all), 5);
      }
    }),
  );

  test(
    'is a mean over examples: batch size, order and dropout do not matter',
    scoped(async () => {
      const model = toy({ dropout: 0.5 });
      const want = await empiricalFisher(model, [toyBatch(texts, labels)]);
      const singles = texts.map((text, i) => toyBatch([text], [labels[i]!])).reverse();
      const got = await empiricalFisher(model, singles);
      expect(got.examples).toBe(5);
      for (const name in want.diagonal)
        await expectClose(got.diagonal[name]!, want.diagonal[name]!, { absolute: 1e-7, relative: 1e-5 });
    }),
  );

  test(
    'samples are the first examples, also inside a batch; nothing more is read',
    scoped(async () => {
      const model = toy();
      let read = 0;
      const stream = function* () {
        for (const [from, to] of [
          [0, 2],
          [2, 5],
          [0, 5],
        ] as const) {
          read++;
          yield toyBatch(texts.slice(from, to), labels.slice(from, to));
        }
      };
      const got = await empiricalFisher(model, stream(), { samples: 3 });
      const want = await empiricalFisher(model, [toyBatch(texts.slice(0, 3), labels.slice(0, 3))]);
      expect([got.examples, read]).toEqual([3, 2]);
      for (const name in want.diagonal)
        await expectClose(got.diagonal[name]!, want.diagonal[name]!, { absolute: 1e-7, relative: 1e-5 });
    }),
  );

  test(
    'opens a recipe itself, disposes its batches and leaves only the diagonal',
    scoped(async () => {
      const model = toy();
      const rows = texts.map((text, i) => ({ text: text.join(' '), label: ['x', 'y', 'z'][labels[i]!]! }));
      const data = batches(rows, { head: ({ label }) => model.head(label === 'z' ? 'b' : 'a'), batchSize: 2 });
      await expectNoLeak(async () => {
        const { diagonal, examples } = await empiricalFisher(model, data, { weights: (name) => name === 'dense.weight' });
        expect([examples, Object.keys(diagonal)]).toEqual([5, ['dense.weight']]);
        tf.dispose(diagonal);
      });
    }),
  );

  test(
    'says after each batch how far it is, and of how many where that is known',
    scoped(async () => {
      const model = toy();
      const rows = texts.map((text, i) => toyBatch([text], [labels[i]!]));
      const heard = async (data: Parameters<typeof empiricalFisher>[1], options = {}) => {
        const events: MeasureEvent[] = [];
        const { diagonal } = await empiricalFisher(model, data, { ...options, onEvent: (event) => events.push(event) });
        tf.dispose(diagonal);
        expect(events.every(({ seconds }, i) => seconds >= (events[i - 1]?.seconds ?? 0))).toBe(true);
        return events.map(({ type, examples, of }) => [type, examples, of]);
      };
      expect(await heard(rows)).toEqual([1, 2, 3, 4, 5].map((examples) => ['measure', examples, 5]));
      expect(await heard([toyBatch(texts, labels)], { samples: 3 })).toEqual([['measure', 3, 3]]);
      expect(await heard(new Set(rows.slice(0, 2)))).toEqual([1, 2].map((examples) => ['measure', examples, undefined]));
    }),
  );

  test(
    'failures leave nothing behind and say what to do',
    scoped(async () => {
      const model = toy();
      const batch = toyBatch(texts, labels);
      const aborted = AbortSignal.abort();
      await expectNoLeak(async () => {
        await expect(empiricalFisher(model, [])).rejects.toMatchObject({ code: 'bad-data' });
        await expect(empiricalFisher(model, [batch], { signal: aborted })).rejects.toMatchObject({ code: 'aborted' });
        await expect(empiricalFisher(model, [batch], { samples: 0 })).rejects.toThrow(
          'samples must be a whole number ≥ 1, got 0',
        );
        const broken = function* () {
          yield batch;
          throw new Error('disk');
        };
        await expect(empiricalFisher(model, broken())).rejects.toThrow('disk');
      });
      model.weights['dense.bias']!.assign(tf.tidy(() => tf.fill([6], NaN)));
      await expectNoLeak(() => expect(empiricalFisher(model, [batch])).rejects.toMatchObject({ code: 'not-finite' }));
    }),
  );
});

test(
  'an engine that fails at any of its reads leaves no tensor',
  scoped(async () => {
    const [model, batch] = [toy(), toyBatch(texts, labels)];
    for (const measure of [empiricalFisher, sampledFisher, normalised()]) {
      for (let reads = 0; reads < 3; reads++) {
        await expectNoLeak(async () => {
          const data = tf.Tensor.prototype.data;
          let left = reads;
          const spy = vi.spyOn(tf.Tensor.prototype, 'data').mockImplementation(function (this: tf.Tensor) {
            return left-- > 0 ? data.call(this) : Promise.reject(new Error('device lost'));
          } as typeof data);
          await expect(measure(model, [batch], {})).rejects.toThrow('device lost');
          spy.mockRestore();
        });
      }
    }
  }),
);

describe('exactFisher and sampledFisher', () => {
  test(
    'the exact one equals PyTorch: all labels, weighted by the model',
    scoped(async () => {
      for (const { texts: own, labels: wanted, weights, exact } of fixture.tasks) {
        await expectDiagonal(await exactFisher(at(weights), [toyBatch(own, wanted)]), exact);
      }
    }),
  );

  test(
    'the sampled one approaches the exact one, and a seed repeats it',
    scoped(async () => {
      const model = toy();
      const batch = toyBatch(texts, labels);
      const exact = await exactFisher(model, [batch]);
      const many = await sampledFisher(model, Array<Labeled>(200).fill(batch), {
        seed: 3,
        weights: (name) => name === 'classifier.0.bias',
      });
      // 1,000 draws: the standard error of a mean of numbers below 1 is at most 0.016.
      await expectClose(many.diagonal['classifier.0.bias']!, exact.diagonal['classifier.0.bias']!, { absolute: 0.05 });
      const [a, b] = [await sampledFisher(model, [batch], { seed: 5 }), await sampledFisher(model, [batch], { seed: 5 })];
      expect(a.total).toBe(b.total);
    }),
  );

  test(
    'classes outside the mask are never drawn',
    scoped(async () => {
      const batch = { ...toyBatch([[1, 2], [3]], [0, 1]), classes: tf.tensor2d([1, 1, 0, 1, 1, 0], [2, 3]) };
      for (const measure of [exactFisher, sampledFisher]) {
        const { diagonal } = await measure(toy(), [batch]);
        expect(await valueOf(tf.max(diagonal['classifier.1.weight'] ?? tf.scalar(0)))).toBe(0);
      }
    }),
  );
});
