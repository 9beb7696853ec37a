import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import type { Batch, Encoded, Term } from '../../src/core/types';
import { softmaxCrossEntropy } from '../../src/engine/fused';
import { loadModel, memoryFiles, type PretrainedModel } from '../../src/model';
import { expectNoLeak, scoped } from '../support/leaks';
import { gradientsByTaps } from './byTaps';
import { architectures, distance, idTokenizer, loadTiny, norm, vocabularyOf } from './tiny';

beforeAll(() => tf.setBackend('cpu'));

const rows = [
  [5, 9, 14, 20, 7, 3],
  [8, 31, 5, 44],
  [17, 2, 9],
];

/** Padded to the longest row, or to `width`. */
function encoded(texts: readonly number[][], width = Math.max(...texts.map((row) => row.length))): Encoded {
  const padded = (f: (row: number[], t: number) => number) =>
    texts.map((row) => Array.from({ length: width }, (_, t) => f(row, t)));
  return {
    ids: tf.tensor2d(
      padded((row, t) => row[t] ?? 1),
      undefined,
      'int32',
    ),
    mask: tf.tensor2d(padded((row, t) => (t < row.length ? 1 : 0))),
    types: tf.tensor2d(
      padded((row, t) => (t >= row.length / 2 && t < row.length ? 1 : 0)),
      undefined,
      'int32',
    ),
  };
}

const batchOf = (texts: readonly number[][]): Batch => ({ inputs: encoded(texts), examples: texts });

/** Cross entropy of the classes 0, 2, 1, …: a sum, so that examples do not depend on the size of the batch. */
const classification: Term = ({ output }) =>
  softmaxCrossEntropy(output.logits, tf.tensor1d([0, 2, 1].slice(0, output.logits.shape[0]), 'int32')).sum();

/** Prediction of the second token of each row. */
const masked: Term = ({ output, options, model }) => {
  const [B, , H] = output.hidden.shape;
  const states = tf.reshape(tf.slice(output.hidden, [0, 1, 0], [B, 1, H]), [B, H]) as tf.Tensor2D;
  return softmaxCrossEntropy(model.tokenLogits(states, options), tf.tensor1d([30, 11, 4].slice(0, B), 'int32')).sum();
};

const tasks = [
  ['', classification],
  ['-mlm', masked],
] as const;

const valuesOf = async (tensor: tf.Tensor): Promise<Float32Array> => (await tensor.data()) as Float32Array;

describe.each(architectures)('%s', (name) => {
  test(
    'gives hidden [B, T, H], pooled [B, H], logits [B, C] and token scores [N, V]',
    scoped(async () => {
      const model = await loadTiny(name);
      const output = model.forward(encoded(rows));
      expect(output.hidden.shape).toEqual([3, 6, 16]);
      expect(output.pooled.shape).toEqual([3, 16]);
      expect(output.logits.shape).toEqual([3, 3]);
      const maskedLm = await loadTiny(`${name}-mlm`);
      expect(maskedLm.tokenLogits(tf.zeros([2, 16])).shape).toEqual([2, vocabularyOf(name)]);
    }),
  );

  test.each(['mean', 'cls', 'pooler'] as const)('padding changes nothing (%s)', async (pooling) => {
    await using model = await loadTiny(name, { pooling, heads: pooling === 'pooler' });
    await scoped(async () => {
      const alone = model.forward(encoded([rows[1]!])).pooled;
      const beside = model.forward(encoded(rows, 10)).pooled;
      expect(distance(await valuesOf(alone), (await valuesOf(beside)).slice(16, 32))).toBeLessThan(1e-5);
    })();
  });

  test(
    'an offset is added to the word embeddings',
    scoped(async () => {
      const model = await loadTiny(name);
      const inputs = encoded([[5, 9, 14]]);
      const shift = tf.randomNormal<tf.Rank.R3>([1, 3, 16], 0, 1, 'float32', 4);
      const table = model.weights[model.embeddingTable]!;
      const moved = tf.add(
        table,
        tf.unsortedSegmentSum(shift.reshape([3, 16]), tf.tensor1d([5, 9, 14], 'int32'), table.shape[0]!),
      );
      const byOffset = model.forward({ ...inputs, offset: shift }).logits;
      const byTable = model.forward(inputs, { weights: { ...model.weights, [model.embeddingTable]: moved } }).logits;
      expect(distance(await valuesOf(byOffset), await valuesOf(byTable))).toBeLessThan(1e-5);
      expect(distance(await valuesOf(byOffset), await valuesOf(model.forward(inputs).logits))).toBeGreaterThan(0.01);
    }),
  );

  test('the gradient of a weight is the numerical one', async () => {
    await using model = await loadTiny(name);
    await scoped(async () => {
      const batch = batchOf(rows);
      const { grads } = gradientsOf(classification, model)(batch);
      // Along one direction for all weights at once, the loss must change by what the gradients say.
      const direction = Object.fromEntries(
        model.trainable.map((weight, i) => [weight, tf.randomNormal(model.weights[weight]!.shape, 0, 1, 'float32', i + 1)]),
      );
      const lossAt = async (step: number): Promise<number> => {
        const weights = Object.fromEntries(
          Object.entries(model.weights).map(([weight, value]) => [weight, tf.add(value, tf.mul(direction[weight]!, step))]),
        );
        return (await valuesOf(gradientsOf(classification, model)(batch, weights).loss))[0]!;
      };
      const slopes = await Promise.all(
        model.trainable.map(async (weight) => (await valuesOf(tf.sum(tf.mul(grads[weight]!, direction[weight]!))))[0]!),
      );
      const slope = slopes.reduce((sum, x) => sum + x, 0);
      const numerical = ((await lossAt(1e-3)) - (await lossAt(-1e-3))) / 2e-3;
      expect(Math.abs(numerical - slope)).toBeLessThan(0.01 * Math.max(1, Math.abs(slope)));
    })();
  });

  test.each(tasks)('taps give every weight’s gradient, example by example (%s)', async (suffix, term) => {
    await using model = await loadTiny(`${name}${suffix}`);
    await scoped(async () => {
      const byTaps = gradientsByTaps(model, batchOf(rows), term);
      const { grads } = gradientsOf(term, model)(batchOf(rows));
      const first = gradientsOf(term, model)(batchOf([rows[0]!])).grads;
      expect(Object.keys(byTaps).sort()).toEqual([...model.trainable].sort());
      for (const weight of model.trainable) {
        const examples = await valuesOf(byTaps[weight]!); // [B, …]
        const whole = await valuesOf(grads[weight]!);
        const size = whole.length;
        const total = whole.map((_, i) => examples[i]! + examples[size + i]! + examples[2 * size + i]!);
        expect(distance(total, whole), weight).toBeLessThan(1e-5 + 1e-4 * norm(whole));
        const alone = await valuesOf(first[weight]!);
        expect(distance(examples.slice(0, size), alone), `${weight} of one example`).toBeLessThan(1e-5 + 1e-4 * norm(alone));
      }
    })();
  });

  test.each(tasks)('the table’s gradient by rows is the dense one (%s)', async (suffix, term) => {
    await using model = await loadTiny(`${name}${suffix}`);
    await scoped(async () => {
      const batch = batchOf(rows);
      const vocabulary = Int32Array.from(new Set(await batch.inputs.ids.data())).sort();
      const places = tf.tensor2d(
        (await batch.inputs.ids.array()).map((row) => row.map((id) => vocabulary.indexOf(id))),
        undefined,
        'int32',
      );
      const dense = gradientsOf(term, model)(batch);
      const sparse = gradientsOf(term, model)({ ...batch, inputs: { ...batch.inputs, places }, vocabulary });
      const wanted = dense.grads[model.embeddingTable]!;
      const found = sparse.grads[model.embeddingTable]!;
      // The tied decoder reads the whole table, so there the rows are added to a dense gradient.
      expect(Object.keys(sparse.rows)).toEqual(suffix === '' ? [model.embeddingTable] : []);
      const whole = suffix === '' ? tf.unsortedSegmentSum(found, tf.tensor1d(vocabulary, 'int32'), wanted.shape[0]!) : found;
      expect(distance(await valuesOf(whole), await valuesOf(wanted))).toBeLessThan(1e-5);
    })();
  });

  test('without an rng it is deterministic; with one dropout is on, and the seed decides it', async () => {
    await using model = await loadTiny(name);
    await scoped(async () => {
      const inputs = encoded(rows);
      const run = async (seed?: number) =>
        valuesOf(model.forward(inputs, seed === undefined ? {} : { rng: createRng(seed) }).logits);
      expect(await run()).toEqual(await run());
      expect(await run(1)).toEqual(await run(1));
      expect(distance(await run(1), await run(2))).toBeGreaterThan(1e-3);
      expect(distance(await run(1), await run())).toBeGreaterThan(1e-3);
      const rng = createRng(1);
      const first = await valuesOf(model.forward(inputs, { rng }).logits);
      expect(distance(first, await valuesOf(model.forward(inputs, { rng }).logits))).toBeGreaterThan(1e-3);
    })();
  });

  test.each([name, `${name}-mlm`])('saved and opened again, every weight of %s has the same bits', async (folder) => {
    await using model = await loadTiny(folder);
    const files = memoryFiles();
    await model.save(files);
    await using again = await loadModel(files, { tokenizer: idTokenizer(vocabularyOf(name)) });
    await expectSameWeights(again, model);
    expect(again.trainable).toEqual(model.trainable);
    expect(again.heads.map(({ labels }) => labels)).toEqual(model.heads.map(({ labels }) => labels));
  });

  test('a pass that nobody cleans up after leaves only what was read', async () => {
    await using model = await loadTiny(name);
    const inputs = encoded(rows);
    const before = tf.memory().numTensors;
    const output = model.forward(inputs, { rng: createRng(1) });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([output.hidden, output.pooled, output.logits]);
    expect(tf.memory().numTensors).toBe(before);
    await expectNoLeak(() => tf.dispose(tf.tidy(() => model.forward(inputs).logits)));
    tf.dispose({ ...inputs });
  });
});

async function expectSameWeights(a: PretrainedModel, b: PretrainedModel): Promise<void> {
  expect(Object.keys(a.weights)).toEqual(Object.keys(b.weights));
  for (const [name, weight] of Object.entries(a.weights)) {
    expect(weight.shape, name).toEqual(b.weights[name]!.shape);
    expect(await weight.data(), name).toEqual(await b.weights[name]!.data());
  }
}
