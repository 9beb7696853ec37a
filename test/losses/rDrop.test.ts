import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { rDrop, rDropBert, rDropHalved, rDropOf, rDropPaper, rDropRoberta } from '../../src/losses/rDrop';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const forms = { halved: rDropHalved, paper: rDropPaper, bert: rDropBert, roberta: rDropRoberta };
type Form = keyof typeof forms;

const { rDrop: torch } = fixture<{
  readonly rDrop: Readonly<Record<'first' | 'second' | 'labels', number[]>> & { readonly alpha: number } & Readonly<
      Record<Form, { readonly loss: number; readonly first: number[]; readonly second: number[] }>
    >;
}>('adversarial.json');

const batch = () =>
  toyBatch(
    [
      [1, 2, 3],
      [4, 5],
    ],
    [0, 2],
    { byRows: true },
  );

describe('rDrop', () => {
  test(
    'by hand: p = (¾, ¼), q = (¼, ¾), label 0, twice in a batch',
    scoped(async () => {
      const p = tf.log(tf.tensor2d([0.75, 0.25, 0.75, 0.25], [2, 2]));
      const q = tf.log(tf.tensor2d([0.25, 0.75, 0.25, 0.75], [2, 2]));
      const labels = tf.tensor1d([0, 0], 'int32');
      // CE₁ + CE₂ = ln 4/3 + ln 4; KL(p ‖ q) = KL(q ‖ p) = ¾ ln 3 − ¼ ln 3 = ½ ln 3
      const [likelihood, divergence] = [Math.log(4 / 3) + Math.log(4), Math.log(3) / 2];
      const want = { halved: likelihood / 2 + 3 * divergence, paper: likelihood + 3 * divergence };
      const summed = { bert: likelihood + 6 * divergence, roberta: likelihood / 2 + 6 * divergence };
      for (const [name, value] of Object.entries({ ...want, ...summed }))
        await expectClose(rDropOf(p, q, labels, { alpha: 3, form: forms[name as Form] }), [value, value]);
    }),
  );

  test.each(Object.keys(forms) as Form[])('its gradient is the numerical one: %s', (name) =>
    scoped(() =>
      // Without dropout both passes would be equal: here the second one pools the padding too.
      expectGradient(
        ({ batch: { labels, inputs }, output, forward }) => {
          const other = forward({ ...inputs, mask: tf.onesLike(inputs.mask) });
          return rDropOf(output.logits, other.logits, labels, { alpha: 2, form: forms[name] }).mean();
        },
        toy(),
        batch(),
        { weights: ['dense.weight', 'classifier.0.weight'], entries: 2 },
      ),
    )(),
  );

  test.each(Object.keys(forms) as Form[])('equals PyTorch: %s', (name) =>
    scoped(async () => {
      const [first, second] = [tf.tensor2d(torch.first, [4, 3]), tf.tensor2d(torch.second, [4, 3])];
      const labels = tf.tensor1d(torch.labels, 'int32');
      const loss = (p: tf.Tensor, q: tf.Tensor) =>
        rDropOf(p as tf.Tensor2D, q as tf.Tensor2D, labels, { alpha: torch.alpha, form: forms[name] }).mean<tf.Scalar>();
      const { value, grads } = tf.valueAndGrads(loss)([first, second]);
      const near = { absolute: 1e-5, relative: 1e-6 };
      await expectClose(value, torch[name].loss, near);
      await expectClose(grads[0]!, torch[name].first, near);
      await expectClose(grads[1]!, torch[name].second, near);
    })(),
  );

  describe('limits', () => {
    test(
      'without dropout it is the cross entropy; twice it in the paper’s form',
      scoped(async () => {
        const model = toy();
        const want = await valueOf(gradientsOf(crossEntropy(), model)(batch()).loss);
        await expectClose(gradientsOf(rDrop({ alpha: 5 }), model)(batch()).loss, want);
        await expectClose(gradientsOf(rDrop({ alpha: 5, form: rDropPaper }), model)(batch()).loss, 2 * want);
      }),
    );

    test(
      'with dropout it evaluates twice, and α weighs how far the two passes are apart',
      scoped(async () => {
        const model = toy({ dropout: 0.4 });
        const at = async (alpha: number) => valueOf(gradientsOf(rDrop({ alpha }), model, createRng(2))(batch()).loss);
        const [none, one, two] = [await at(0), await at(1), await at(2)];
        expect(model.calls).toBe(6);
        expect(one - none).toBeGreaterThan(1e-3);
        expect(two - none).toBeCloseTo(2 * (one - none), 5);
      }),
    );

    test(
      'the paper’s form is twice the halved one with half its α; a batch of one row is not summed',
      scoped(async () => {
        const [first, second] = [tf.tensor2d(torch.first, [4, 3]), tf.tensor2d(torch.second, [4, 3])];
        const of = (rows: number, alpha: number, form = rDropHalved) =>
          rDropOf(first.slice(0, rows), second.slice(0, rows), tf.tensor1d(torch.labels.slice(0, rows), 'int32'), {
            alpha,
            form,
          });
        await expectClose(of(4, 2, rDropPaper), of(4, 1).mul(2));
        await expectSameBits(of(1, 2, rDropRoberta), of(1, 2));
        await expectSameBits(of(1, 2, rDropBert), of(1, 2, rDropPaper));
      }),
    );

    test(
      'closed classes take no part, and shares weigh the rows',
      scoped(async () => {
        const model = toy();
        const given = { ...batch(), labels: tf.tensor1d([0, 1], 'int32') };
        const two = { ...given, classes: tf.tensor2d([1, 1, 0, 1, 1, 0], [2, 3]), shares: tf.tensor1d([0.2, 0.8]) };
        const [got, want] = [rDrop(), crossEntropy()].map((term) => gradientsOf(term, model)(two));
        await expectClose(got!.loss, want!.loss);
        await expectClose(got!.grads['classifier.1.weight']!, Array<number>(6).fill(0));
      }),
    );

    test('leaves no tensor; a bad alpha is refused with the value', async () => {
      expect(() => rDrop({ alpha: -1 })).toThrow('rDrop: alpha must be a number ≥ 0, got -1');
      await expectNoLeak(() => {
        const model = toy({ dropout: 0.2 });
        const given = batch();
        tf.tidy(() => void gradientsOf(rDrop(), model, createRng(1))(given));
        tf.dispose([...Object.values(given.inputs), given.labels]);
        model.dispose();
      });
    });
  });
});
