import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { freelb, freelbStart } from '../../src/adversarial/freelb';
import { perExample } from '../../src/adversarial/perturbation';
import { gradientsOf } from '../../src/core/gradients';
import type { GradientFn, Labeled, Model } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { everything, expectMeasured, fixed, near, recorded, start, torch, withOffset } from '../support/attacked';
import { expectClose, expectSameBits, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('freelb', () => {
  test(
    'by hand: along (3, 4) with steps of 1 to (0.6, 0.8), then held at length 1; the mean of gradients 1, 2, 3',
    scoped(async () => {
      const offsets: tf.Tensor3D[] = [];
      const next: GradientFn<Labeled> = ({ inputs }) => {
        offsets.push(inputs.offset!.clone());
        const n = offsets.length;
        return { loss: tf.scalar(n), grads: { w: tf.scalar(n) }, rows: {}, reports: {}, offset: tf.tensor3d([3, 4], [1, 1, 2]) };
      };
      const model = { weights: {}, hiddenSize: 2 } as unknown as Model;
      const { loss, grads } = freelb({ stepSize: 1, maxNorm: 1 })(next, model)(toyBatch([[1]], [0]));
      await expectClose(tf.concat(offsets), [0, 0, 0.6, 0.8, 0.6, 0.8]);
      await expectClose(tf.stack([loss, grads['w']!]), [1, 2]);
    }),
  );

  test.each(['fromStart', 'bounded'] as const)('equals PyTorch step by step: %s', (name) =>
    scoped(async () => {
      const { model, batch } = fixed();
      const { stepSize, steps, maxNorm, trace, gradient } = torch.freelb[name];
      const attack = freelb({ stepSize, steps, ...(maxNorm !== null && { maxNorm }) });
      const { evaluate, seen } = recorded(attack, model);
      // A given start is an offset that is there already; without a bound the two add up to the fixture's.
      const got = evaluate(name === 'fromStart' ? withOffset(batch, start().mul(0.1)) : batch);
      expect(seen).toHaveLength(steps);
      for (const [k, want] of trace.entries()) {
        await expectClose(seen[k]!.offset!, want.attack, near);
        await expectClose(seen[k]!.loss, want.loss, near);
      }
      await expectClose(got.loss, trace[0]!.loss, near);
      await expectMeasured(got, gradient, model);
    })(),
  );

  test(
    'a random start is uniform within ±m / √(n H) for each text, and 0 at padding',
    scoped(async () => {
      const mask = tf.tensor2d([
        [1, 1, 1, 1],
        [1, 0, 0, 0],
      ]);
      const values = await valuesOf(freelbStart(mask, 500, 3, 7));
      const [long, short, padding] = [values.slice(0, 2000), values.slice(2000, 2500), values.slice(2500)];
      for (const [part, bound] of [
        [long, 3 / Math.sqrt(2000)],
        [short, 3 / Math.sqrt(500)],
      ] as const) {
        expect(Math.max(...part.map(Math.abs))).toBeLessThan(bound);
        expect(Math.max(...part)).toBeGreaterThan(0.95 * bound);
        expect(Math.min(...part)).toBeLessThan(-0.95 * bound);
        // The variance of a uniform number is a third of its bound's square.
        const square = part.reduce((sum, value) => sum + value ** 2, 0);
        expect(Math.sqrt(square)).toBeGreaterThan(0.9 * Math.sqrt(3));
        expect(Math.sqrt(square)).toBeLessThan(1.1 * Math.sqrt(3));
      }
      expect(padding.every((value) => value === 0)).toBe(true);
    }),
  );

  test(
    'each evaluation draws another start; the same seed and number of draws give the same bits',
    scoped(async () => {
      const { model, batch } = fixed();
      const options = { initial: 0.5, seed: 3 };
      const [one, again, other] = [freelb(options), freelb(options), freelb({ ...options, seed: 4 })];
      const startOf = async (attack: typeof one) => {
        const { evaluate, seen } = recorded(attack, model);
        evaluate(batch);
        return valuesOf(seen[0]!.offset!);
      };
      const draws = [await startOf(one), await startOf(one), await startOf(one)];
      expect(draws[1]).not.toEqual(draws[0]);
      expect(await startOf(other)).not.toEqual(draws[0]);
      expect(one.state()).toEqual({ drawn: 3 });
      again.restore({ drawn: 1 });
      expect([await startOf(again), await startOf(again)]).toEqual(draws.slice(1));
      expect(() => again.restore({ drawn: -1 })).toThrow('freelb: a state has the number of starts drawn, got -1');
      expect(again.state()).toEqual({ drawn: 3 });
    }),
  );

  test.each([
    ['one step', freelb({ steps: 1 })],
    ['steps of 0', freelb({ stepSize: 0, steps: 3 })],
    ['seven steps of 0 within a bound', freelb({ stepSize: 0, steps: 7, maxNorm: 1 })],
  ])('limits: %s from the text itself is the plain gradient, bit for bit', (_, attack) =>
    scoped(async () => {
      const { model, batch } = fixed();
      const plain = gradientsOf(crossEntropy(), model);
      const [got, want] = [attack(plain, model)(batch), plain(batch)];
      await expectSameBits(got.loss, want.loss);
      await expectSameBits(await everything(got, model), await everything(want, model));
    })(),
  );

  test(
    'limits: after the first ascent no attack is longer than the bound',
    scoped(async () => {
      const { model, batch } = fixed();
      const { evaluate, seen } = recorded(freelb({ stepSize: 0.5, steps: 4, maxNorm: 0.3, initial: 0.4 }), model);
      evaluate(batch);
      for (const { offset } of seen.slice(1))
        for (const size of await valuesOf(perExample(offset!))) expect(size).toBeLessThanOrEqual(0.3 + 1e-6);
    }),
  );

  test('bad arguments are refused with the value', () => {
    expect(() => freelb({ stepSize: -1 })).toThrow('freelb: stepSize must be a number ≥ 0, got -1');
    expect(() => freelb({ steps: 1.5 })).toThrow('freelb: steps must be a whole number ≥ 1, got 1.5');
    expect(() => freelb({ initial: Infinity })).toThrow('freelb: initial must be a number ≥ 0, got Infinity');
    expect(() => freelb({ maxNorm: 0 })).toThrow('freelb: maxNorm must be a number');
    expect(() => freelb({ seed: -1 })).toThrow('freelb: seed must be a whole number');
  });
});
