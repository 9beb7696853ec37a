import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  denseGradients,
  gradientsOf,
  mapTensors,
  named,
  stopGradient,
  sum,
  weighted,
  type Labeled,
  type Pass,
  type Term,
} from '../../src/core';
import { crossEntropy } from '../../src/losses';
import { expectClose, expectEach, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const batch = (byRows = false) =>
  toyBatch(
    [
      [1, 2, 3, 2],
      [4, 5],
    ],
    [0, 2],
    { byRows },
  );
const table = 'embeddings.word_embeddings.weight';
/** Reads the whole table, as a penalty or a tied decoder does. */
const penalty: Term = ({ weights }) => tf.sum<tf.Scalar>(tf.square(weights[table]!)).mul(0.1);
const tied: Term<Labeled> = ({ model, output, options, batch: { labels } }) =>
  tf.neg(tf.mean<tf.Scalar>(tf.logSoftmax(model.tokenLogits(output.pooled, options)).mul(tf.oneHot(labels, 11))));

describe('the gradient', () => {
  const terms: Record<string, Term<Labeled>> = {
    'a term': crossEntropy(),
    'a second pass': (pass) =>
      tf.mean(
        tf.squaredDifference(
          pass.output.pooled,
          pass.forward({ ...pass.batch.inputs, ids: tf.reverse(pass.batch.inputs.ids, -1) }).pooled,
        ),
      ),
    'a sum': sum(crossEntropy(), weighted(2, penalty), tied),
  };
  for (const [name, term] of Object.entries(terms)) {
    for (const byRows of [false, true]) {
      test(
        `of ${name}, ${byRows ? 'by rows' : 'dense'}: central differences, at the model's weights and at others`,
        scoped(async () => {
          const { inputs, ...rest } = batch(byRows);
          // Reversed ids would not match the places of the batch.
          const term2 = name === 'a second pass' && byRows ? crossEntropy() : term;
          await expectGradient(term2, toy(), { ...rest, inputs });
        }),
      );
    }
  }

  test(
    'of a weight that the objective does not read is absent',
    scoped(() => {
      const { grads } = gradientsOf(penalty, toy())(batch());
      expect(Object.keys(grads)).toEqual([table]);
    }),
  );

  test(
    'is taken for `trainable` only',
    scoped(() => {
      const model = { ...toy(), trainable: ['dense.bias'] };
      expect(Object.keys(gradientsOf(crossEntropy(), model)(batch(true)).grads)).toEqual(['dense.bias']);
    }),
  );

  test(
    'needs every trainable weight among those given',
    scoped(() => {
      expect(() => gradientsOf(crossEntropy(), toy())(batch(), {})).toThrow(`The weights given lack '${table}'`);
    }),
  );

  test(
    'with an rng has dropout, a new mask at each call',
    scoped(async () => {
      const model = toy({ dropout: 0.5 });
      let counter = 0;
      const rng = Object.assign(() => counter++, { seed: 0, counter });
      const evaluate = gradientsOf(crossEntropy(), model, rng);
      const [first, second] = [await valueOf(evaluate(batch()).loss), await valueOf(evaluate(batch()).loss)];
      expect(first).not.toBe(second);
      const plain = gradientsOf(crossEntropy(), model);
      expect(await valueOf(plain(batch()).loss)).toBe(await valueOf(plain(batch()).loss));
    }),
  );

  test('leaves no tensor behind, reports included', () =>
    expectNoLeak(() => {
      const model = toy();
      const given = batch(true);
      tf.tidy(() => {
        gradientsOf(sum(named('ce', crossEntropy()), penalty), model)(given);
      });
      const { examples: _, vocabulary: __, ...tensors } = given;
      tf.dispose(tensors as never);
      model.dispose();
    }));
});

describe('rows', () => {
  const both = async (term: Term<Labeled>) => {
    const model = toy();
    const [whole, some] = [gradientsOf(term, model)(batch(false)), gradientsOf(term, model)(batch(true))];
    expect(await valueOf(some.loss)).toBeCloseTo(await valueOf(whole.loss), 6);
    return { whole, some, dense: denseGradients(some.grads, some.rows, model.weights) };
  };
  test(
    'scattered are the dense gradient',
    scoped(async () => {
      const { whole, some, dense } = await both(crossEntropy());
      expect(some.rows[table]).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
      expect(some.grads[table]!.shape).toEqual([6, 6]);
      for (const [name, grad] of Object.entries(whole.grads))
        await expectClose(dense[name]!, grad, { absolute: 1e-7, relative: 1e-5 });
    }),
  );
  for (const [name, term] of Object.entries({ 'a penalty': penalty, 'a tied decoder': tied })) {
    test(
      `become dense where ${name} reads the whole table too`,
      scoped(async () => {
        const { whole, some } = await both(sum(crossEntropy(), term));
        expect(some.rows).toEqual({});
        await expectClose(some.grads[table]!, whole.grads[table]!, { absolute: 1e-7, relative: 1e-5 });
      }),
    );
    test(
      `of ${name} alone are dense`,
      scoped(async () => {
        const { whole, some, dense } = await both(term);
        await expectClose(dense[table]!, whole.grads[table]!, { absolute: 1e-7, relative: 1e-5 });
        expect(some.grads[table]!.shape[0]).toBe(Object.keys(some.rows).length > 0 ? 6 : 11);
      }),
    );
  }
});

describe('a pass', () => {
  test(
    'shares one forward pass among all terms',
    scoped(() => {
      const model = toy();
      gradientsOf(sum(crossEntropy(), crossEntropy(), tied), model)(batch());
      expect(model.calls).toBe(1);
    }),
  );

  test(
    'does not care for the order of the terms',
    scoped(async () => {
      const model = toy();
      const [a, b] = [sum(crossEntropy(), penalty, tied), sum(tied, crossEntropy(), penalty)].map((term) =>
        gradientsOf(term, model)(batch()),
      );
      await expectEach(b!.grads, a!.grads);
    }),
  );

  test(
    'hands reports out: the size of a term, tensors, the last of two of one name',
    scoped(async () => {
      const reporting: Term<Labeled> = (pass) => {
        pass.report('logits', tf.zeros([1]));
        pass.report('logits', pass.output.logits);
        return tf.scalar(0);
      };
      const { reports, loss } = gradientsOf(sum(named('ce', crossEntropy()), reporting), toy())(batch());
      expect(await valueOf(reports['ce']!)).toBe(await valueOf(loss));
      expect(reports['logits']!.shape).toEqual([2, 3]);
    }),
  );

  test(
    'reads other weights where they are given',
    scoped(async () => {
      const model = toy();
      const at = mapTensors(model.weights, (weight) => weight.mul(0));
      const { loss, grads } = gradientsOf(sum(crossEntropy(), penalty), model)(batch(true), at);
      expect(await valueOf(loss)).toBeCloseTo(Math.log(3), 5);
      for (const value of await valuesOf(grads[table]!)) expect(value).toBeCloseTo(0, 12);
    }),
  );
});

describe('stopGradient', () => {
  const held = (pass: Pass<Labeled>) => stopGradient(() => tf.softmax(pass.output.logits));
  test(
    'lets nothing flow back',
    scoped(async () => {
      const model = toy();
      const constant = await valuesOf(tf.tidy(() => tf.softmax(model.forward(batch().inputs).logits)));
      const stopped: Term<Labeled> = (pass) => {
        const { logits } = pass.output;
        return tf.mean<tf.Scalar>(tf.mul(held(pass), logits));
      };
      const fixed: Term<Labeled> = (pass) => tf.mean<tf.Scalar>(tf.mul(tf.tensor2d(constant, [2, 3]), pass.output.logits));
      const [a, b] = [stopped, fixed].map((term) => gradientsOf(term, model)(batch()).grads);
      for (const name of Object.keys(b!)) await expectClose(a![name]!, b![name]!);
    }),
  );
  test(
    'refuses a first read of the output: other terms would lose their gradient',
    scoped(() => {
      const early: Term<Labeled> = (pass) => tf.mean<tf.Scalar>(held(pass));
      expect(() => gradientsOf(sum(early, crossEntropy()), toy())(batch())).toThrow(
        'pass.output was first read inside stopGradient',
      );
      // and the next evaluation is on the tape again
      expect(() => gradientsOf(sum(crossEntropy(), early), toy())(batch())).not.toThrow();
    }),
  );
  test(
    'is on the tape again after an error inside',
    scoped(async () => {
      expect(() =>
        stopGradient(() => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      await expectGradient(crossEntropy(), toy(), batch(), { weights: ['dense.bias'] });
    }),
  );
});

describe('what is refused', () => {
  test(
    'an objective that is not a scalar',
    scoped(() => {
      const vector = (({ output }: Pass) => tf.sum(output.logits, 1)) as unknown as Term;
      expect(() => gradientsOf(vector, toy())(batch())).toThrow('The objective must be a scalar, got shape [2]');
    }),
  );
  test(
    'a model that ignores the offset',
    scoped(() => {
      const model = toy();
      const deaf = {
        ...model,
        forward: ({ offset: _, ...inputs }: Labeled['inputs'], options?: object) => model.forward(inputs, options),
      };
      const given = batch();
      const attacked = { ...given, inputs: { ...given.inputs, offset: tf.zeros<tf.Rank.R3>([2, 4, 6]) } };
      expect(() => gradientsOf(crossEntropy(), deaf)(attacked)).toThrow('did not add inputs.offset');
      expect(gradientsOf(crossEntropy(), model)(attacked).offset!.shape).toEqual([2, 4, 6]);
    }),
  );
});

test(
  'named adds nothing, weighted scales, a sum of nothing is 0',
  scoped(async () => {
    const model = toy();
    const [plain, twice, none] = [named('x', crossEntropy()), weighted(2, crossEntropy()), sum()].map((term) =>
      gradientsOf(term, model)(batch()),
    );
    await expectSameBits(plain!.loss, gradientsOf(crossEntropy(), model)(batch()).loss);
    await expectClose(twice!.loss, 2 * (await valueOf(plain!.loss)));
    expect(await valueOf(none!.loss)).toBe(0);
    expect(() => weighted(NaN, crossEntropy())).toThrow('weight must be a number');
  }),
);
