import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { awp, movedUphill } from '../../src/adversarial/awp';
import { pgd } from '../../src/adversarial/pgd';
import { gradientsOf } from '../../src/core/gradients';
import { evaluationOf } from '../../src/core/step';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { everything, expectMeasured, fixed, near, recorded, torch, weightsOf } from '../support/attacked';
import { expectClose, expectSameBits, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { scoped } from '../support/leaks';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('awp', () => {
  test(
    'by hand: w (0, 10) with gradient (3, 4) and γ = ½ goes 5 uphill, to (3, 14); a gradient of 0 moves nothing',
    scoped(async () => {
      const w = tf.tensor1d([0, 10]);
      await expectClose(movedUphill(w, tf.tensor1d([3, 4]), 0.5), [3, 14]);
      await expectSameBits(movedUphill(w, tf.zeros([2]), 0.5), w);
    }),
  );

  test(
    'its gradient is the numerical one at the moved weights',
    scoped(async () => {
      const { model, dense } = fixed();
      const { evaluate, seen } = recorded(awp({ gamma: 0.1 }), model);
      const got = evaluate(dense);
      const there = { ...model, weights: seen[1]!.weights as typeof model.weights };
      await expectSameBits(await everything(gradientsOf(crossEntropy(), there)(dense), model), await everything(got, model));
      await expectGradient(crossEntropy(), there, dense, { weights: ['dense.weight', 'dense.bias'], entries: 2 });
    }),
  );

  test(
    'equals PyTorch, by rows and dense; loss and reports are those at the weights themselves',
    scoped(async () => {
      const { model, batch, dense } = fixed();
      for (const each of [batch, dense]) {
        const { evaluate, seen } = recorded(awp({ gamma: torch.awp.gamma }), model);
        const got = evaluate(each);
        await expectClose(got.loss, torch.clean.loss, near);
        await expectClose(seen[1]!.loss, torch.awp.loss, near);
        await expectMeasured(got, torch.awp.gradient, model);
        expect(Object.keys(got.rows)).toEqual(each === batch ? [model.embeddingTable] : []);
      }
    }),
  );

  test(
    'moves matrices and tables, or the weights that are named; the others are the model’s own',
    scoped(async () => {
      const { model, batch } = fixed();
      const movedBy = async (transform: ReturnType<typeof awp>) => {
        const { evaluate, seen } = recorded(transform, model);
        evaluate(batch);
        return Object.keys(model.weights).filter((name) => seen[1]!.weights[name] !== model.weights[name]);
      };
      const matrices = Object.keys(model.weights).filter((name) => model.weights[name]!.rank > 1);
      expect(await movedBy(awp())).toEqual(matrices);
      expect(await movedBy(awp({ weights: (name) => name === 'dense.bias' }))).toEqual(['dense.bias']);
    }),
  );

  test(
    'the rows of the table that the batch does not touch stay where they are',
    scoped(async () => {
      const { model, batch } = fixed();
      const { evaluate, seen } = recorded(awp({ gamma: 0.1 }), model);
      evaluate(batch);
      const [now, before] = await Promise.all([seen[1]!.weights, model.weights].map((at) => valuesOf(at[model.embeddingTable]!)));
      for (let row = 0; row < 11; row++) {
        const same = now!.slice(6 * row, 6 * row + 6).every((value, i) => value === before![6 * row + i]);
        // Padding, row 0, has no gradient.
        expect(same, `row ${row}`).toBe(row === 0 || row > 7);
      }
    }),
  );

  describe('limits', () => {
    test(
      'γ = 0 is the plain gradient, bit for bit',
      scoped(async () => {
        const { model, batch } = fixed();
        const plain = gradientsOf(crossEntropy(), model);
        const [got, want] = [awp({ gamma: 0 })(plain, model)(batch), plain(batch)];
        await expectSameBits(got.loss, want.loss);
        await expectSameBits(await everything(got, model), await everything(want, model));
      }),
    );

    test(
      'around pgd it perturbs the weights for attacked texts: 2 · 4 evaluations, another gradient, the same weights',
      scoped(async () => {
        const { model, batch } = fixed();
        const before = await weightsOf(model);
        const both = evaluationOf(model, { objective: crossEntropy(), transforms: [awp({ gamma: 0.05 }), pgd()] });
        const alone = evaluationOf(model, { objective: crossEntropy(), transforms: [pgd()] });
        model.calls = 0;
        const got = await everything(both(batch), model);
        expect(model.calls).toBe(8);
        expect(got).not.toEqual(await everything(alone(batch), model));
        expect(await weightsOf(model)).toEqual(before);
      }),
    );

    test('a bad gamma is refused with the value', () => {
      expect(() => awp({ gamma: -0.1 })).toThrow('awp: gamma must be a number ≥ 0, got -0.1');
    });
  });
});
