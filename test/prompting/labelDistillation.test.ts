import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { disposeBatch } from '../../src/data';
import { labelDistillation, labelDistillationOf } from '../../src/prompting/labelDistillation';
import { softBatches, type SoftExample, type SoftLabeled } from '../../src/prompting/softLabels';
import { expectClose, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { failure } from '../support/failure';
import { firstOf } from '../support/firstOf';
import { fixture } from '../support/fixture';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Numbers {
  readonly distillation: {
    readonly temperature: number;
    readonly soft: number[][];
    readonly logits: number[][];
    readonly loss: number;
    readonly gradient: number[];
  };
}
const torch = fixture<Numbers>('adapet.json').distillation;
const rows: SoftExample[] = [
  { text: '3 1 4', soft: { x: 0.9, y: 0.1 } },
  { text: '1 5', soft: { y: 1 } },
  { text: '9 2 6', soft: { x: 0.25, y: 0.75 } },
];

const firstBatch = (examples: readonly SoftExample[], model = toy()): Promise<SoftLabeled> =>
  firstOf(softBatches(examples, { head: model.head('a'), shuffle: false }), model);

describe('labelDistillation', () => {
  test(
    'by hand: p = (.8, .2), T = 2: √.8 : √.2 = 2 : 1; against ½, ½ it is 4 (⅔ ln 4/3 + ⅓ ln 2/3)',
    scoped(async () => {
      const even = tf.zeros<tf.Rank.R2>([1, 2]);
      const p = tf.tensor2d([[0.8, 0.2]]);
      await expectClose(labelDistillationOf(p, even, 2), [4 * ((2 / 3) * Math.log(4 / 3) + Math.log(2 / 3) / 3)]);
      await expectClose(labelDistillationOf(p, even, 1), [0.8 * Math.log(1.6) + 0.2 * Math.log(0.4)]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      await expectGradient(labelDistillation(), model, await firstBatch(rows, model), { entries: 2 });
    }),
  );

  test(
    'loss and gradient of PyTorch, with a probability of 0',
    scoped(async () => {
      const [soft, logits] = [tf.tensor2d(torch.soft), tf.tensor2d(torch.logits)];
      const loss = (z: tf.Tensor) => tf.mean<tf.Scalar>(labelDistillationOf(soft, z as tf.Tensor2D, torch.temperature));
      await expectClose(loss(logits), [torch.loss]);
      await expectClose(tf.grad(loss)(logits), torch.gradient);
    }),
  );

  describe('limits', () => {
    test(
      'a model that says p has no loss and no gradient, at any temperature',
      scoped(async () => {
        const [p, shifted] = [tf.tensor2d([[0.7, 0.2, 0.1]]), tf.tensor2d([[0.7, 0.2, 0.1].map((one) => Math.log(one) + 5)])];
        for (const temperature of [0.5, 1, 2, 10]) {
          const loss = (z: tf.Tensor) => tf.sum<tf.Scalar>(labelDistillationOf(p, z as tf.Tensor2D, temperature));
          await expectClose(loss(shifted), [0], { absolute: 1e-4 });
          await expectClose(tf.grad(loss)(shifted), [0, 0, 0], { absolute: 1e-5 });
        }
      }),
    );

    test(
      'a certain label and T = 1: the cross entropy; other heads take no part',
      scoped(async () => {
        const model = toy();
        const batch = await firstBatch([{ text: '3 1 4', soft: { x: 1 } }], model);
        await expectClose(batch.soft, [1, 0, 0]);
        await expectClose(batch.classes, [1, 1, 0]);
        const { loss, grads } = gradientsOf(labelDistillation({ temperature: 1 }), model)(batch);
        const own = tf.slice(model.forward(batch.inputs).logits, [0, 0], [1, 2]);
        await expectClose(loss, [-(await valueOf(tf.logSoftmax(own)))]);
        await expectClose(grads['classifier.1.bias']!, [0]);
      }),
    );
  });

  test('a head of a larger model is refused: its classes would go into the next row', async () => {
    const [model, larger] = [toy(), toy({ heads: { a: ['x', 'y'], c: ['p', 'q'] } })];
    const data = softBatches([{ text: '1', soft: { q: 1 } }], { head: larger.head('c') });
    await expectNoLeak(async () => {
      const { code, message } = await failure(firstOf(data, model));
      expect(code).toBe('bad-argument');
      expect(message).toContain("softBatches: head 'c' ends at column 4, but the model has 3 classes");
    });
    tf.dispose([model.weights, larger.weights]);
  });

  test('leaves nothing behind; bad probabilities and labels are all named', async () => {
    const model = toy();
    await expectNoLeak(async () => {
      const batch = await firstBatch(rows, model);
      tf.tidy(() => void gradientsOf(labelDistillation(), model)(batch));
      disposeBatch(batch);
    });
    const bad = [{ text: '1', soft: { x: 0.5, y: 0.1 } }, { text: '2' }, { text: '3', soft: { x: 2, y: -1 } }] as SoftExample[];
    const { code, message } = await failure(firstBatch(bad, model));
    expect(code).toBe('bad-data');
    expect(message).toContain('the probabilities of row 1 must be ≥ 0 and add up to 1, they add up to 0.6');
    expect(message).toContain('row 2 has no probabilities');
    expect(message).toContain('row 3');
    const unknown = await failure(firstBatch([{ text: '1', soft: { q: 1 } }], model));
    expect(unknown.message).toContain("head 'a' has x, y");
    expect(() => labelDistillation({ temperature: 0 })).toThrow('labelDistillation: temperature must be a number');
    model.dispose();
  });
});
