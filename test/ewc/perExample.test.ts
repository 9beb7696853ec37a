import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import type { Labeled, Model, Output, Tensors, Use } from '../../src/core/types';
import { squaredGradients } from '../../src/ewc/perExample';
import { crossEntropy, crossEntropyOf } from '../../src/losses/crossEntropy';
import { createModel } from '../../src/model/createModel';
import { expectClose } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// A word twice in one text, one word in several texts, padding.
const texts = [[1, 2, 3, 1], [4, 1], [2, 2, 2], [7]];
const labels = [0, 2, 1, 1];
const loss = ({ logits }: Output, { labels: wanted, classes }: Labeled) =>
  tf.sum<tf.Scalar>(crossEntropyOf(logits, wanted, classes));

/** What the definition says: one example after the other. */
function oneByOne(model: Model, rows: readonly Labeled[]): Tensors {
  const squares: Record<string, tf.Tensor> = {};
  for (const row of rows) {
    const { grads, rows: sparse } = gradientsOf(crossEntropy(), model)(row);
    for (const [name, grad] of Object.entries(denseGradients(grads, sparse, model.weights))) {
      squares[name] = squares[name] ? tf.add(squares[name], grad.square()) : grad.square();
    }
  }
  return squares;
}

async function expectEqual(got: Tensors, want: Tensors): Promise<void> {
  expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
  for (const name in want) {
    expect(got[name]!.shape, name).toEqual(want[name]!.shape);
    await expectClose(got[name]!, want[name]!, { absolute: 1e-7, relative: 1e-5 });
  }
}

/** A decoder that shares the table of the word lookup, a second lookup of the same table, and positions [1, T]. */
function tied(): Model {
  const [V, H, P] = [9, 4, 6];
  const weights = {
    table: tf.variable(tf.randomNormal([V, H], 0, 0.7, 'float32', 1), true),
    positions: tf.variable(tf.randomNormal([P, H], 0, 0.7, 'float32', 2), true),
  };
  return {
    weights,
    trainable: Object.keys(weights),
    hiddenSize: H,
    embeddingTable: 'table',
    forward({ ids, mask }, { weights: given, taps } = {}) {
      const at = (given ?? weights) as Record<keyof typeof weights, tf.Tensor2D>;
      const tap = (use: Use, output: tf.Tensor) => (taps ? taps(use, output) : output);
      const [B, T] = ids.shape;
      const next = tf.mod<tf.Tensor2D>(ids.add(tf.scalar(3, 'int32')), tf.scalar(V, 'int32'));
      const places = tf.range(0, T, 1, 'int32').expandDims(0);
      const lookup = (weight: keyof typeof weights, input: tf.Tensor) => {
        const found = tf.gather(at[weight], input);
        return tap({ kind: 'lookup', weight, input }, tf.add(found, tf.zeros([B, T, H])));
      };
      const sum = lookup('table', ids).add(lookup('table', next).mul(0.5)).add(lookup('positions', places));
      const hidden = tf.tanh(sum as tf.Tensor3D);
      const scores = tf.matMul(hidden.reshape<tf.Tensor2D>([B * T, H]), at.table, false, true).reshape([B, T, V]);
      const decoded = tap({ kind: 'linear', weight: 'table', input: hidden }, scores);
      const logits = decoded.mul(mask.expandDims(2)).sum<tf.Tensor2D>(1); // [B, V]
      return { hidden, pooled: hidden.mean<tf.Tensor2D>(1), logits };
    },
    tokenLogits: (hidden) => tf.matMul(hidden, weights.table, false, true),
  };
}

describe('squaredGradients', () => {
  test(
    'by hand: y = w x for two examples, x = 2 and 3, gradients at the output ½ and −1',
    scoped(async () => {
      const w = tf.variable(tf.tensor2d([[1]]));
      const x = tf.tensor2d([[2], [3]]);
      const model: Model = {
        ...tied(),
        weights: { w },
        trainable: ['w'],
        forward: (_inputs, { taps } = {}) => {
          const y = taps!({ kind: 'linear', weight: 'w', input: x }, tf.matMul(x, w));
          return { hidden: y as tf.Tensor3D, pooled: y as tf.Tensor2D, logits: y as tf.Tensor2D };
        },
      };
      const given = ({ logits }: Output) => tf.sum<tf.Scalar>(logits.mul([[0.5], [-1]]));
      // (½ · 2)² + (−1 · 3)² = 10, where the square of the sum would be (1 − 3)² = 4
      const got = squaredGradients(given, model, toyBatch([[1], [1]], [0, 0]));
      await expectClose(got['w']!, [10]);
    }),
  );

  test(
    'equals one example at a time for every weight: lookup, norm, a layer used twice, heads, biases',
    scoped(async () => {
      const model = toy();
      const got = squaredGradients(loss, model, toyBatch(texts, labels));
      await expectEqual(
        got,
        oneByOne(
          model,
          texts.map((text, i) => toyBatch([text], [labels[i]!])),
        ),
      );
      expect(Object.keys(got)).toHaveLength(model.trainable.length);
    }),
  );

  test(
    'equals one example at a time for a table that is looked up twice and decodes, and for shared positions',
    scoped(async () => {
      const model = tied();
      const [some, wanted] = [
        [[1, 2, 1], [4, 4], [8]],
        [0, 5, 8],
      ];
      const rows = some.map((text, i) => toyBatch([text], [wanted[i]!]));
      await expectEqual(squaredGradients(loss, model, toyBatch(some, wanted)), oneByOne(model, rows));
    }),
  );

  test(
    'equals one example at a time for every weight of a BERT',
    scoped(async () => {
      const model = createModel(
        {
          model_type: 'bert',
          vocab_size: 11,
          hidden_size: 8,
          num_hidden_layers: 2,
          num_attention_heads: 2,
          intermediate_size: 12,
          max_position_embeddings: 8,
          type_vocab_size: 2,
          initializer_range: 0.3,
        },
        { tokenizer: toyTokenizer(11), seed: 3 },
      );
      model.addHead('a', ['x', 'y'], { seed: 4 });
      model.addHead('b', ['z'], { seed: 5 });
      const got = squaredGradients(loss, model, toyBatch(texts, labels));
      const want = oneByOne(
        model,
        texts.map((text, i) => toyBatch([text], [labels[i]!])),
      );
      for (const name in want) await expectClose(got[name]!, want[name]!, { absolute: 1e-6, relative: 1e-5 });
      expect(Object.keys(got).sort()).toEqual([...model.trainable].sort());
    }),
  );

  test(
    'a small limit works in pieces and gives the same',
    scoped(async () => {
      for (const [model, wanted] of [
        [toy(), labels],
        [tied(), [0, 5, 8, 2]],
      ] as const) {
        const batch = toyBatch(texts, wanted);
        await expectEqual(squaredGradients(loss, model, batch, { limit: 80 }), squaredGradients(loss, model, batch));
      }
    }),
  );

  test(
    'takes the gradient at other weights, and only of those wanted and trainable',
    scoped(async () => {
      const model = toy();
      const batch = toyBatch(texts, labels);
      const moved = { ...model.weights, 'dense.weight': model.weights['dense.weight']!.mul(1.5) };
      const got = squaredGradients(loss, model, batch, { weights: moved, wanted: (name) => name.startsWith('dense') });
      expect(Object.keys(got).sort()).toEqual(['dense.bias', 'dense.weight']);
      const elsewhere = { ...model, weights: moved as unknown as Model['weights'] };
      const want = oneByOne(
        elsewhere,
        texts.map((text, i) => toyBatch([text], [labels[i]!])),
      );
      await expectClose(got['dense.weight']!, want['dense.weight']!, { absolute: 1e-7, relative: 1e-5 });
      const frozen = squaredGradients(loss, { ...model, trainable: ['dense.bias'] }, batch);
      expect(Object.keys(frozen)).toEqual(['dense.bias']);
    }),
  );

  test(
    'classes that take no part get exactly 0',
    scoped(async () => {
      const batch = { ...toyBatch([[1, 2], [3]], [0, 1]), classes: tf.tensor2d([1, 1, 0, 1, 1, 0], [2, 3]) };
      const got = squaredGradients(loss, toy(), batch);
      await expectClose(got['classifier.1.weight']!, new Float32Array(6), { absolute: 0 });
    }),
  );

  test(
    'leaves no tensor',
    scoped(async () => {
      const [model, batch] = [toy(), toyBatch(texts, labels)];
      await expectNoLeak(() => tf.dispose(squaredGradients(loss, model, batch)));
    }),
  );

  test(
    'a model without taps, and a use whose rows are not the examples, are refused',
    scoped(() => {
      const model = toy();
      const batch = toyBatch(texts, labels);
      const deaf: Model = { ...model, forward: (inputs) => model.forward(inputs) };
      expect(() => squaredGradients(loss, deaf, batch)).toThrow('called no tap');
      const other: Model = {
        ...model,
        forward: (inputs, options) => {
          const output = model.forward(inputs);
          const use: Use = { kind: 'linear', weight: 'dense.weight', input: tf.zeros([3, 6]) };
          const extra = options!.taps!(use, tf.zeros([3, 6]));
          return { ...output, logits: output.logits.add(extra.sum()) };
        },
      };
      expect(() => squaredGradients(loss, other, batch)).toThrow("'dense.weight' is used on 3 rows, not on the 4 examples");
    }),
  );
});
