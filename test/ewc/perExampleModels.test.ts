import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import type { Batch, Model, Tensors, Term } from '../../src/core/types';
import { softmaxCrossEntropy } from '../../src/engine/fused';
import { squaredGradients } from '../../src/ewc/perExample';
import type { SummedLoss } from '../../src/ewc/uses';
import { expectClose, valueOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toy } from '../support/toy';
import { architectures, loadTiny } from '../model/tiny';

beforeAll(() => tf.setBackend('cpu'));

// A word twice in one text, one word in two texts, padding, pairs.
const rows = [
  [5, 9, 14, 20, 9, 3],
  [8, 31, 5, 44],
  [17, 2, 9],
];

function batchOf(texts: readonly number[][]): Batch {
  const longest = Math.max(...texts.map((row) => row.length));
  const padded = (f: (row: number[], t: number) => number) =>
    texts.map((row) => Array.from({ length: longest }, (_, t) => f(row, t)));
  return {
    inputs: {
      ids: tf.tensor2d(padded((row, t) => row[t] ?? 1), undefined, 'int32'), // prettier-ignore
      mask: tf.tensor2d(padded((row, t) => (t < row.length ? 1 : 0))),
      types: tf.tensor2d(padded((row, t) => (t >= row.length / 2 && t < row.length ? 1 : 0)), undefined, 'int32'), // prettier-ignore
    },
    examples: texts,
  };
}

/** Squares of batches of one, added up: what the definition says. */
function oneByOne(model: Model, term: Term): Tensors {
  const squares: Record<string, tf.Tensor> = {};
  for (const row of rows) {
    const { grads, rows: sparse } = gradientsOf(term, model)(batchOf([row]));
    for (const [name, grad] of Object.entries(denseGradients(grads, sparse, model.weights)))
      squares[name] = squares[name] ? tf.add(squares[name], grad.square()) : grad.square();
  }
  return squares;
}

/** Within 1e-5 of every entry, and within 1e-7 of the weight's largest where an entry is next to nothing. */
async function expectEqual(got: Tensors, want: Tensors): Promise<void> {
  expect(Object.keys(got).sort()).toEqual(Object.keys(want).sort());
  for (const name in want) {
    expect(got[name]!.shape, name).toEqual(want[name]!.shape);
    const largest = await valueOf(tf.max(want[name]!));
    await expectClose(got[name]!, want[name]!, { absolute: 1e-6 * largest + 1e-13, relative: 1e-5 });
  }
}

const classOf = (ids: tf.Tensor2D, classes: number): tf.Tensor1D =>
  tf.mod<tf.Tensor1D>(tf.slice(ids, [0, 0], [ids.shape[0], 1]).reshape([-1]), tf.scalar(classes, 'int32'));
const classification: SummedLoss<Batch> = ({ logits }, { inputs: { ids } }) =>
  tf.sum<tf.Scalar>(softmaxCrossEntropy(logits, classOf(ids, logits.shape[1])));

/** Every token guesses the first one; padding does not count. */
const first = ({ ids, mask }: Batch['inputs'], scores: tf.Tensor): tf.Scalar => {
  const [B, T] = ids.shape;
  const targets = tf.tile(tf.slice(ids, [0, 0], [B, 1]), [1, T]).reshape<tf.Tensor1D>([B * T]);
  const losses = softmaxCrossEntropy(scores.reshape([B * T, -1]), targets);
  return tf.sum<tf.Scalar>(losses.mul(mask.reshape([B * T])));
};
const masked: Term = ({ output: { hidden }, batch, model, options }) =>
  first(batch.inputs, model.tokenLogits(hidden.reshape([-1, model.hiddenSize]), options));
const maskedByExample: SummedLoss<Batch> = ({ hidden }, { inputs }, scoresOf) => first(inputs, scoresOf(hidden));

describe.each(architectures)('squaredGradients of %s', (name) => {
  test.each(['mean', 'cls', 'pooler'] as const)(
    'equals batches of one for every weight, several heads, pooling %s',
    async (pooling) => {
      await using model = await loadTiny(name, { pooling, heads: pooling === 'pooler' });
      model.addHead('second', ['a', 'b'], { seed: 1 });
      model.addHead('third', ['c'], { seed: 2 });
      await scoped(async () => {
        const got = squaredGradients(classification, model, batchOf(rows));
        expect(Object.keys(got).sort()).toEqual([...model.trainable].sort());
        const term: Term = ({ output, batch }) => classification(output, batch, () => tf.zeros([0, 0, 0]));
        await expectEqual(got, oneByOne(model, term));
      })();
    },
  );

  test('equals batches of one with its masked-language head: a table that is looked up and decodes, and its bias', async () => {
    await using model = await loadTiny(`${name}-mlm`);
    await scoped(async () => {
      const want = oneByOne(model, masked);
      expect(Object.keys(want)).toContain(model.embeddingTable);
      await expectEqual(squaredGradients(maskedByExample, model, batchOf(rows)), want);
      await expectEqual(squaredGradients(maskedByExample, model, batchOf(rows), { limit: 1 }), want);
    })();
  });
});

test(
  'scores of a model whose tokenLogits calls no tap are refused',
  scoped(() => {
    const loss: SummedLoss<Batch> = ({ hidden }, _, scoresOf) => tf.sum(scoresOf(hidden));
    const small = { ...batchOf([[1, 2]]) };
    expect(() => squaredGradients(loss, toy(), small)).toThrow('tokenLogits must pass each use of a weight to options.taps');
  }),
);
