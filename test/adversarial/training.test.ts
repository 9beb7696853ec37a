import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { awp, fgm, freelb, pgd, smart, smartPaper, vat } from '../../src/adversarial';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import { createRng } from '../../src/core/rng';
import { evaluationOf } from '../../src/core/step';
import type { GradientTransform, Labeled, Term } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { meanOf } from '../../src/losses/meanOf';
import { rDrop } from '../../src/losses/rDrop';
import { adamW } from '../../src/training/adamW';
import { clipped } from '../../src/training/clipped';
import { fit } from '../../src/training/fit';
import { sgd } from '../../src/training/sgd';
import { fixed, weightsOf } from '../support/attacked';
import { expectClose, expectSameBits } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy } from '../support/toy';
import { toyBatches, toyRows } from '../support/toyData';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const transforms: Record<string, () => GradientTransform[]> = {
  fgm: () => [fgm()],
  pgd: () => [pgd({ epsilon: 0.5 })],
  freelb: () => [freelb({ initial: 0.3, maxNorm: 0.5 })],
  awp: () => [awp({ gamma: 0.05 })],
  'awp around fgm around freelb': () => [awp({ gamma: 0.05 }), fgm(), freelb({ steps: 2 })],
};
const terms: Record<string, () => Term<Labeled>> = {
  vat: () => vat({ epsilon: 0.5 }),
  smart: () => smart({ epsilon: 0.1, noise: 0.05, stepSize: 0.1, steps: 2 }),
  rDrop: () => rDrop(),
};

describe('no weight is changed', () => {
  test.each(Object.keys(transforms))('%s: bit for bit, also when an evaluation throws; nothing stays behind', (name) =>
    expectNoLeak(async () => {
      const { model, batch, dense } = fixed();
      const before = await weightsOf(model);
      for (const objective of [crossEntropy(), sum(...Object.values(terms).map((make) => make()))]) {
        tf.tidy(() => void evaluationOf(model, { objective, transforms: transforms[name]!(), rng: createRng(1) })(batch));
        for (let bad = 1; bad <= 2; bad++) {
          let runs = 0;
          const failing: Term<Labeled> = (pass) => {
            const value = objective(pass);
            if (++runs === bad) throw new Error('a term failed');
            return value;
          };
          const evaluate = evaluationOf(model, { objective: failing, transforms: transforms[name]!() });
          expect(() => tf.tidy(() => void evaluate(batch))).toThrow('a term failed');
        }
      }
      expect(await weightsOf(model)).toEqual(before);
      for (const { inputs, labels } of [batch, dense]) tf.dispose([...Object.values(inputs), labels]);
      model.dispose();
    }),
  );

  test('a failure while a term looks for its perturbation leaves the tape as it was', () =>
    expectNoLeak(async () => {
      const { model, batch, dense } = fixed();
      const broken = smart({
        variant: {
          ...smartPaper,
          divergence: () => {
            throw new Error('inside');
          },
        },
      });
      const caught: Term<Labeled> = (pass) => {
        const value = meanOf(tf.square(pass.output.logits).sum(1), pass.batch);
        expect(() => broken(pass)).toThrow('inside');
        return value;
      };
      const plain: Term<Labeled> = (pass) => meanOf(tf.square(pass.output.logits).sum(1), pass.batch);
      const run = (term: Term<Labeled>) => tf.tidy(() => ({ ...gradientsOf(term, model)(batch).grads }));
      const [got, want] = [run(caught), run(plain)];
      for (const name in want) await expectSameBits(got[name]!, want[name]!);
      tf.dispose([got, want]);
      for (const { inputs, labels } of [batch, dense]) tf.dispose([...Object.values(inputs), labels]);
      model.dispose();
    }));
});

describe('fit', () => {
  const all = Object.entries(transforms).map(([name, make]) => [name, make, () => crossEntropy()] as const);
  const inside = Object.entries(terms).map(([name, make]) => [name, () => [fgm()], () => sum(crossEntropy(), make())] as const);
  test.each([...all, ...inside])(
    '%s: trains with accumulation, clipping and dropout, and leaves nothing behind',
    (_, around, objective) =>
      expectNoLeak(async () => {
        const model = toy({ dropout: 0.2 });
        const optimizer = clipped(adamW({ learningRate: 0.01 }), { norm: 1 });
        const options = {
          objective: objective() as Term<Labeled>,
          transforms: around(),
          optimizer,
          accumulate: 2,
          epochs: 2,
          seed: 1,
        };
        const before = await weightsOf(model);
        const { steps, loss } = await fit(model, { ...options, data: toyBatches(toyRows(8)) });
        expect([steps, Number.isFinite(loss)]).toEqual([2, true]);
        expect(await weightsOf(model)).not.toEqual(before);
        optimizer.dispose();
        model.dispose();
      }),
  );

  test.each([
    ['fgm', () => fgm()],
    ['pgd', () => pgd()],
    ['freelb', () => freelb()],
  ] as const)('%s of two batches of 2 is that of one batch of 4: each text has its own perturbation', (_, make) =>
    scoped(async () => {
      const ends: number[][] = [];
      for (const [batchSize, accumulate] of [
        [4, 1],
        [2, 2],
      ] as const) {
        const model = toy();
        const data = toyBatches(toyRows(4), { batchSize, shuffle: false });
        await fit(model, {
          objective: crossEntropy(),
          transforms: [make()],
          optimizer: sgd({ learningRate: 1 }),
          data,
          accumulate,
          seed: 1,
        });
        ends.push(await weightsOf(model));
      }
      await expectClose(ends[1]!, ends[0]!, { absolute: 1e-5 });
    })(),
  );
});
