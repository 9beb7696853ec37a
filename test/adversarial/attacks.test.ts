import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { fgm } from '../../src/adversarial/fgm';
import { ofLength, perExample, wholeBatch, within } from '../../src/adversarial/perturbation';
import { pgd } from '../../src/adversarial/pgd';
import { gradientsOf } from '../../src/core/gradients';
import type { Encoded, GradientFn, Labeled, Model } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { everything, expectMeasured, fixed, near, recorded, torch, withOffset } from '../support/attacked';
import { expectClose, expectSameBits, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { scoped } from '../support/leaks';
import { toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const norms = { perExample, wholeBatch };
const named = Object.keys(norms) as (keyof typeof norms)[];

/** L = 3 o₁ + 4 o₂ for a text of one token and an offset o, and one weight whose gradient is the number of the evaluation. */
function slope() {
  const batch: Labeled = toyBatch([[1]], [0]);
  const model = { weights: { w: tf.variable(tf.scalar(0)) }, hiddenSize: 2 } as unknown as Model;
  const offsets: tf.Tensor3D[] = [];
  const next: GradientFn<Labeled> = ({ inputs: { offset } }: { inputs: Encoded }) => {
    offsets.push(offset!.clone());
    const towards = tf.tensor3d([3, 4], [1, 1, 2]);
    const loss = tf.sum<tf.Scalar>(tf.mul(offset!, towards));
    return { loss, grads: { w: tf.scalar(offsets.length) }, rows: {}, reports: { l: loss.clone() }, offset: towards };
  };
  return { batch, model, next, offsets };
}

describe('by hand', () => {
  test(
    'fgm: the slope (3, 4) has length 5, so ε = 2 goes to (1.2, 1.6); the mean of gradients 1 and 2; the clean loss',
    scoped(async () => {
      const { batch, model, next, offsets } = slope();
      const { loss, grads, reports } = fgm({ epsilon: 2 })(next, model)(batch);
      await expectClose(tf.concat(offsets), [0, 0, 1.2, 1.6]);
      await expectClose(tf.stack([loss, reports['l']!, grads['w']!]), [0, 0, 1.5]);
    }),
  );

  test(
    'pgd: three steps of 1 within ε = 2 stop at (1.2, 1.6); the mean of the first and the fourth',
    scoped(async () => {
      const { batch, model, next, offsets } = slope();
      const { grads } = pgd({ epsilon: 2, stepSize: 1, steps: 3 })(next, model)(batch);
      await expectClose(tf.concat(offsets), [0, 0, 0.6, 0.8, 1.2, 1.6, 1.2, 1.6]);
      await expectClose(grads['w']!, [2.5]);
    }),
  );

  test(
    'norms: of each text, or of the batch; what is 0 stays 0',
    scoped(async () => {
      const x = tf.tensor3d([3, 4, 0, 0, 0, 12], [3, 1, 2]);
      await expectClose(ofLength(1, x, perExample), [0.6, 0.8, 0, 0, 0, 1]);
      await expectClose(ofLength(1, x, wholeBatch), [3 / 13, 4 / 13, 0, 0, 0, 12 / 13]);
      await expectClose(within(x, 6, perExample), [3, 4, 0, 0, 0, 6]);
      await expectSameBits(within(x, 0, wholeBatch), [0, 0, 0, 0, 0, 0]);
    }),
  );
});

describe('finite differences', () => {
  test(
    'the gradient by the offset is the numerical one, and so is that of the weights where the attack leads',
    scoped(async () => {
      const { model, dense } = fixed();
      const { evaluate, seen } = recorded(pgd(), model);
      const offset = await valuesOf(evaluate(dense).offset!);
      const plain = gradientsOf(crossEntropy(), model);
      for (const at of [0, 13, 30]) {
        const moved = (by: number) => withOffset(dense, tf.oneHot([at], 72).mul(by).reshape([3, 4, 6]));
        const [up, down] = await Promise.all([0.01, -0.01].map(async (by) => (await valuesOf(plain(moved(by)).loss))[0]!));
        expect((up! - down!) / 0.02).toBeCloseTo(offset[at]!, 3);
      }
      await expectGradient(crossEntropy(), model, withOffset(dense, seen.at(-1)!.offset!), {
        weights: ['dense.weight', model.embeddingTable],
        entries: 2,
      });
    }),
  );
});

describe('PyTorch', () => {
  test.each(named)('fgm %s: attack, attacked loss, gradient; by rows and dense', (name) =>
    scoped(async () => {
      const { model, batch, dense } = fixed();
      const want = torch.fgm[name];
      for (const each of [batch, dense]) {
        const { evaluate, seen } = recorded(fgm({ epsilon: want.epsilon, norm: norms[name] }), model);
        const got = evaluate(each);
        await expectClose(got.loss, torch.clean.loss, near);
        await expectClose(got.offset!, torch.clean.offset, near);
        await expectClose(seen[1]!.offset!, want.attack, near);
        await expectClose(seen[1]!.loss, want.loss, near);
        expect(Object.keys(got.rows)).toEqual(each === batch ? [model.embeddingTable] : []);
        await expectMeasured(got, want.gradient, model);
      }
    })(),
  );

  test.each(named)('pgd %s: step by step', (name) =>
    scoped(async () => {
      const { model, batch } = fixed();
      const { epsilon, stepSize, steps, trace, gradient } = torch.pgd[name];
      const { evaluate, seen } = recorded(pgd({ epsilon, stepSize, steps, norm: norms[name] }), model);
      const got = evaluate(batch);
      expect(seen).toHaveLength(steps + 1);
      for (const [k, want] of trace.entries()) {
        await expectClose(seen[k + 1]!.offset!, want.attack, near);
        await expectClose(seen[k + 1]!.loss, want.loss, near);
      }
      await expectClose(got.loss, torch.clean.loss, near);
      await expectMeasured(got, gradient, model);
    })(),
  );
});

describe('limits', () => {
  test.each([
    ['fgm, ε = 0', fgm({ epsilon: 0 })],
    ['pgd, ε = 0', pgd({ epsilon: 0 })],
    ['pgd, steps of 0', pgd({ stepSize: 0, norm: wholeBatch })],
  ])('%s: the plain gradient, bit for bit', (_, transform) =>
    scoped(async () => {
      const { model, batch } = fixed();
      const plain = gradientsOf(crossEntropy(), model);
      const [got, want] = [transform(plain, model)(batch), plain(batch)];
      await expectSameBits(got.loss, want.loss);
      await expectSameBits(await everything(got, model), await everything(want, model));
    })(),
  );

  test.each(named)('pgd with one step of size ε is fgm, %s', (name) =>
    scoped(async () => {
      const { model, batch } = fixed();
      const plain = gradientsOf(crossEntropy(), model);
      const norm = norms[name];
      const one = pgd({ epsilon: 0.4, stepSize: 0.4, steps: 1, norm })(plain, model)(batch);
      const want = fgm({ epsilon: 0.4, norm })(plain, model)(batch);
      await expectClose(await everything(one, model), await everything(want, model), { absolute: 1e-6 });
    })(),
  );

  test(
    'padding gets no perturbation, whatever the gradient there',
    scoped(async () => {
      const { model, batch } = fixed();
      const everywhere: GradientFn<Labeled> = (given) => ({
        ...gradientsOf(crossEntropy(), model)(given),
        offset: tf.ones([3, 4, 6]),
      });
      for (const transform of [fgm(), pgd()]) {
        const { evaluate, seen } = recorded(transform, model, everywhere);
        evaluate(batch);
        const sizes = await valuesOf(perExample(seen.at(-1)!.offset!));
        await expectClose(sizes, Array(3).fill(seen.length === 2 ? 1 : 0.9));
        const padding = tf.mul(seen.at(-1)!.offset!, tf.expandDims(tf.sub(1, batch.inputs.mask), 2));
        await expectSameBits(tf.max(tf.abs(padding)), [0]);
      }
    }),
  );

  test('bad arguments are refused with the value', () => {
    expect(() => fgm({ epsilon: -1 })).toThrow('fgm: epsilon must be a number ≥ 0, got -1');
    expect(() => pgd({ epsilon: NaN })).toThrow('pgd: epsilon must be a number ≥ 0, got NaN');
    expect(() => pgd({ stepSize: -0.1 })).toThrow('pgd: stepSize must be a number ≥ 0, got -0.1');
    expect(() => pgd({ steps: 0 })).toThrow('pgd: steps must be a whole number ≥ 1, got 0');
  });
});
