import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { gradientsOf } from '../../src/core/gradients';
import type { Encoded } from '../../src/core/types';
import { maskedLm, type Masked } from '../../src/prompting';
import { loadTiny } from '../model/tiny';
import { expectClose, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { anyInputs, givenModel, type Given } from '../support/given';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Numbers {
  readonly sizes: { readonly H: number; readonly T: number; readonly V: number };
  readonly hidden: number[];
  readonly table: number[];
  readonly positions: number[];
  readonly targets: number[];
  readonly maskedLm: { readonly loss: number; readonly gradients: Readonly<Record<'hidden' | 'table', number[]>> };
  readonly maskedAccuracy: number;
}
const torch = fixture<Numbers>('distillation.json');
const { H, T, V } = torch.sizes;

const maskedOf = (positions: readonly number[], targets: readonly number[], inputs: Encoded = anyInputs()): Masked => ({
  examples: [],
  inputs,
  masked: { inputs, positions: tf.tensor1d([...positions], 'int32'), targets: tf.tensor1d([...targets], 'int32') },
});

/** Two texts of the toy's words; the second and the last token stand hidden under word 10. */
function hiddenWords({ byRows = false } = {}): Masked {
  const whole = toyBatch(
    [
      [1, 2, 3],
      [4, 5],
    ],
    [0, 0],
    { byRows },
  );
  const { inputs } = toyBatch(
    [
      [1, 10, 3],
      [4, 10],
    ],
    [0, 0],
  );
  return { ...whole, masked: { ...maskedOf([1, 4], [2, 5]).masked, inputs } };
}

const withTable = (model: Toy, change: (table: tf.Variable) => tf.Tensor): Toy => {
  const table = model.weights[model.embeddingTable]!;
  table.assign(change(table));
  return model;
};

describe('by hand', () => {
  test(
    'two of three places are scored: p = ¾ and p = ¼, one guess of two is right',
    scoped(async () => {
      const model = givenModel({
        hidden: [
          [1, 100, 1],
          [1, 3, 1],
        ],
        table: [
          [Math.log(3), 0],
          [2, 1],
        ],
      });
      const { loss, reports } = gradientsOf(maskedLm(), model)(maskedOf([0, 2], [0, 1]));
      await expectClose(loss, [(Math.log(4 / 3) + Math.log(4)) / 2]);
      await expectClose(reports['maskedAccuracy']!, [0.5], { absolute: 0 });
    }),
  );

  test(
    'alone it evaluates the network once, on the masked view',
    scoped(async () => {
      const model = toy();
      const batch = hiddenWords();
      const { loss } = gradientsOf(maskedLm(), model)(batch);
      expect(model.calls).toBe(1);
      const same = { ...batch, inputs: batch.masked.inputs };
      expect(await valueOf(loss)).toBe(await valueOf(gradientsOf(maskedLm(), model)(same).loss));
    }),
  );
});

describe('gradients', () => {
  for (const byRows of [false, true]) {
    test(
      `central differences, the tied table's too${byRows ? ', beside a batch with a vocabulary' : ''}`,
      scoped(() => expectGradient(maskedLm(), toy(), hiddenWords({ byRows }))),
    );
  }

  test(
    'every row of the table gets one, as the decoder reads them all; the heads get none',
    scoped(async () => {
      const model = toy();
      const { grads, rows } = gradientsOf(maskedLm(), model)(hiddenWords({ byRows: true }));
      expect(rows).toEqual({});
      const slopes = (await grads[model.embeddingTable]!.array()) as number[][];
      for (const row of slopes) expect(row.some((slope) => slope !== 0)).toBe(true);
      expect(Object.keys(grads).filter((name) => name.startsWith('classifier'))).toEqual([]);
    }),
  );
});

describe('PyTorch', () => {
  test(
    'value, accuracy and gradients of cross_entropy with −100 elsewhere',
    scoped(async () => {
      const hidden: Given = [torch.hidden, [2, T, H]];
      const { loss, grads, reports } = gradientsOf(
        maskedLm(),
        givenModel({ hidden, table: [torch.table, [V, H]] }),
      )(maskedOf(torch.positions, torch.targets));
      expect(await valueOf(loss)).toBeCloseTo(torch.maskedLm.loss, 5);
      expect(await valueOf(reports['maskedAccuracy']!)).toBeCloseTo(torch.maskedAccuracy, 6);
      await expectClose(grads['hidden']!, torch.maskedLm.gradients.hidden, { absolute: 1e-5 });
      await expectClose(grads['table']!, torch.maskedLm.gradients.table, { absolute: 1e-5 });
    }),
  );
});

describe('limits', () => {
  test(
    'uniform scores give ln V',
    scoped(async () => {
      const model = withTable(toy(), tf.zerosLike);
      expect(await valueOf(gradientsOf(maskedLm(), model)(hiddenWords()).loss)).toBeCloseTo(Math.log(11), 6);
    }),
  );

  test(
    'a sure and right guess gives 0, a sure and wrong one a finite loss and gradient',
    scoped(async () => {
      const model = () =>
        givenModel({
          hidden: [[1], [1, 1, 1]],
          table: [
            [0, 200],
            [2, 1],
          ],
        });
      const right = gradientsOf(maskedLm(), model())(maskedOf([0], [1]));
      await expectClose(right.loss, [0]);
      await expectClose(right.reports['maskedAccuracy']!, [1], { absolute: 0 });
      const wrong = gradientsOf(maskedLm(), model())(maskedOf([0], [0]));
      await expectClose(wrong.loss, [200], { absolute: 1e-3 });
      for (const slope of await valuesOf(wrong.grads['table']!)) expect(Number.isFinite(slope)).toBe(true);
    }),
  );

  test(
    'a model without a masked-language head is refused',
    scoped(async () => {
      const model = await loadTiny('bert');
      try {
        tf.tidy(() => void gradientsOf(maskedLm(), model)(maskedOf([0], [0], hiddenWords().inputs)));
        expect.unreachable('it must not be evaluated');
      } catch (error) {
        expect(isHoldfastError(error) && error.code).toBe('not-found');
      } finally {
        model.dispose();
      }
    }),
  );

  test(
    'leaves its loss, its gradients and its report, nothing else',
    scoped(async () => {
      const model = toy();
      const batch = hiddenWords();
      await expectNoLeak(() => {
        const { loss, grads, reports } = gradientsOf(maskedLm(), model)(batch);
        tf.dispose([loss, grads, reports]);
      });
    }),
  );
});
