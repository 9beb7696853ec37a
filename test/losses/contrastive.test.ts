import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import type { Encoded, Model, Term, Weights } from '../../src/core/types';
import { cosineSimilarityLoss, cosineSimilarityLossOf, type Paired } from '../../src/losses/cosineSimilarityLoss';
import { inBatchCrossEntropyOf, simcse, supervisedSimcse, type Contrasted } from '../../src/losses/simcse';
import { expectClose, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { anyInputs } from '../support/given';
import { scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Measured {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}
interface Numbers {
  readonly sizes: { readonly B: number; readonly H: number };
  readonly u: number[];
  readonly v: number[];
  readonly w: number[];
  readonly targets: number[];
  readonly cosineSimilarity: Measured;
  readonly simcse: Measured;
  readonly supervised: Measured;
}
const torch = fixture<Numbers>('contrastive.json');
const { B, H } = torch.sizes;
const rowsOf = (values: readonly number[]) => tf.tensor2d([...values], [B, H]);

/** A network whose pooled vectors are its weights `u`, `v`, `w`: each input says which, one after the other where it is asked again. */
function speaking(says: ReadonlyMap<Encoded, string[]>): Model {
  const weights: Weights = Object.fromEntries((['u', 'v', 'w'] as const).map((name) => [name, tf.variable(rowsOf(torch[name]))]));
  const none = tf.zeros([1, 1, 1]);
  return {
    ...{ weights, trainable: Object.keys(weights), hiddenSize: H, embeddingTable: 'none' },
    tokenLogits: (hidden) => hidden,
    forward(inputs, options = {}) {
      const names = says.get(inputs)!;
      names.push(names.shift()!);
      const pooled = (options.weights ?? weights)[names.at(-1)!] as tf.Tensor2D;
      return { pooled, hidden: none as tf.Tensor3D, logits: tf.zeros([1, 1]) };
    },
  };
}

const texts = () =>
  toyBatch(
    [
      [1, 2, 3],
      [4, 5],
      [6, 1],
    ],
    [0, 2, 1],
  );
const others = () =>
  toyBatch(
    [
      [2, 3],
      [7, 5],
      [9, 8],
    ],
    [0, 0, 0],
  ).inputs;
const pairs = (): Paired => ({ ...texts(), other: others(), targets: tf.tensor1d([1, 0, 0.5]) });
const triples = (): Contrasted => ({ ...texts(), positive: others(), negative: toyBatch([[3], [4], [10]], [0, 0, 0]).inputs });

describe('by hand', () => {
  test(
    'cosines 24/25, 0 and −1 against 1, 0 and 0',
    scoped(async () => {
      const u = tf.tensor2d([3, 4, 3, 4, 3, 4], [3, 2]);
      const v = tf.tensor2d([4, 3, -8, 6, -6, -8], [3, 2]);
      await expectClose(cosineSimilarityLossOf(u, v, tf.tensor1d([1, 0, 0])), [1 / 625, 0, 1]);
    }),
  );

  test(
    'in a batch: cosines 1 and 0 of two rows, and a third candidate',
    scoped(async () => {
      const u = tf.tensor2d([2, 0, 0, 3], [2, 2]);
      await expectClose(inBatchCrossEntropyOf(u, u, 1), [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(-1))]);
      const more = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
      const wanted = Math.log(1 + Math.exp(-2) + Math.exp(2 * (Math.SQRT1_2 - 1)));
      await expectClose(inBatchCrossEntropyOf(u, more, 0.5), [wanted, wanted]);
    }),
  );
});

describe('gradients', () => {
  test(
    'of the cosine loss: central differences',
    scoped(() => expectGradient(cosineSimilarityLoss(), toy(), pairs())),
  );
  test(
    'of SimCSE, without labels and with hard negatives: central differences',
    scoped(async () => {
      await expectGradient(simcse({ temperature: 0.5 }), toy(), texts(), { entries: 3 });
      await expectGradient(supervisedSimcse({ temperature: 0.5 }), toy(), triples(), { entries: 3 });
    }),
  );
});

describe('PyTorch', () => {
  const check = async (model: Model, evaluated: ReturnType<ReturnType<typeof gradientsOf>>, want: Measured) => {
    expect(await valueOf(evaluated.loss)).toBeCloseTo(want.loss, 5);
    expect(Object.keys(evaluated.grads)).toEqual(Object.keys(want.gradients));
    for (const [name, values] of Object.entries(want.gradients))
      await expectClose(evaluated.grads[name]!, values, { absolute: 1e-5 });
    expect(model.trainable).toContain('u');
  };
  const inputs = anyInputs;

  test(
    'sentence-transformers’ CosineSimilarityLoss: value and gradients',
    scoped(async () => {
      const batch: Paired = { inputs: inputs(), other: inputs(), examples: [], targets: tf.tensor1d(torch.targets) };
      const model = speaking(new Map([[batch.inputs, ['u']], [batch.other, ['v']]])); // prettier-ignore
      await check(model, gradientsOf(cosineSimilarityLoss(), model)(batch), torch.cosineSimilarity);
    }),
  );

  test(
    'SimCSE: two passes over the same texts',
    scoped(async () => {
      const batch = { inputs: inputs(), examples: [] };
      const model = speaking(new Map([[batch.inputs, ['u', 'v']]]));
      await check(model, gradientsOf(simcse(), model)(batch), torch.simcse);
    }),
  );

  test(
    'SimCSE with hard negatives, temperature 0.1',
    scoped(async () => {
      const batch: Contrasted = { inputs: inputs(), positive: inputs(), negative: inputs(), examples: [] };
      const says = [[batch.inputs, ['u']], [batch.positive, ['v']], [batch.negative, ['w']]] as const; // prettier-ignore
      const model = speaking(new Map(says.map(([input, names]) => [input, [...names]])));
      await check(model, gradientsOf(supervisedSimcse({ temperature: 0.1 }), model)(batch), torch.supervised);
    }),
  );
});

describe('limits', () => {
  const lossOf = <T extends Paired>(term: Term<T>, batch: T, dropout = 0, seed = 1) =>
    valueOf(gradientsOf(term, toy({ dropout }), createRng(seed))(batch).loss);

  test(
    'the cosine loss: a text with itself is 0 for 1, and 1 for 0; the lengths do not matter',
    scoped(async () => {
      const self = (target: number): Paired => {
        const batch = texts();
        return { ...batch, other: batch.inputs, targets: tf.fill([3], target) };
      };
      expect(await lossOf(cosineSimilarityLoss(), self(1))).toBeCloseTo(0, 6);
      expect(await lossOf(cosineSimilarityLoss(), self(0))).toBeCloseTo(1, 5);
      const [u, v] = [rowsOf(torch.u), rowsOf(torch.v)];
      const of = (x: tf.Tensor2D) => cosineSimilarityLossOf(x, v, tf.tensor1d(torch.targets));
      await expectClose(of(tf.mul(u, 40)), of(u));
    }),
  );

  test(
    'SimCSE: one row is 0; dropout makes the two passes differ, and without it they are one',
    scoped(async () => {
      expect(await valueOf(gradientsOf(simcse(), toy())(toyBatch([[1, 2]], [0])).loss)).toBe(0);
      const model = toy({ dropout: 0.3 });
      const batch = texts();
      const twin = tf.mean<tf.Scalar>(inBatchCrossEntropyOf(...both(model.forward(batch.inputs).pooled), 0.05));
      await expectClose(gradientsOf(simcse(), model)(batch).loss, twin);
      expect(await valueOf(gradientsOf(simcse(), model, createRng(1))(batch).loss)).not.toBeCloseTo(await valueOf(twin), 3);
      expect(model.calls).toBe(5);
    }),
  );

  test('a temperature of 0 is refused', () => {
    expect(() => simcse({ temperature: 0 })).toThrow('simcse: temperature must be a number');
    expect(() => supervisedSimcse({ temperature: -1 })).toThrow('supervisedSimcse: temperature must be a number');
  });
});

const both = <T>(value: T): [T, T] => [value, value];
