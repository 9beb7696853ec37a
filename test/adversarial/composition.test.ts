import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { awp, fgm, freelb, pgd, smart, vat } from '../../src/adversarial';
import { gradientsOf } from '../../src/core/gradients';
import { sum, weighted } from '../../src/core/objective';
import { evaluationOf } from '../../src/core/step';
import type { GradientTransform, Labeled, Term } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { rDrop } from '../../src/losses/rDrop';
import { everything, fixed, recorded, start, withOffset } from '../support/attacked';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { scoped } from '../support/leaks';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('evaluations of the network', () => {
  const counts: [string, number, GradientTransform[], Term<Labeled>?][] = [
    ['fgm', 2, [fgm()]],
    ['pgd of 3 steps', 4, [pgd()]],
    ['pgd of 5 steps', 6, [pgd({ steps: 5 })]],
    ['freelb of 3 steps', 3, [freelb({ initial: 0.1 })]],
    ['awp', 2, [awp()]],
    ['fgm around pgd', 8, [fgm(), pgd()]],
    ['vat beside the cross entropy', 1 + 2, [], sum(crossEntropy(), vat())],
    ['vat of 3 iterations', 1 + 4, [], sum(crossEntropy(), vat({ iterations: 3 }))],
    ['smart beside the cross entropy', 1 + 2, [], sum(crossEntropy(), smart())],
    ['fgm around all three', 2 * (1 + 2 + 2 + 1), [fgm()], sum(rDrop(), vat(), smart())],
  ];
  test.each(counts)('%s: %i', (_, count, around, objective = crossEntropy()) =>
    scoped(() => {
      const { model, batch } = fixed();
      evaluationOf(model, { objective, transforms: around })(batch);
      expect(model.calls).toBe(count);
    })(),
  );
});

describe('attacks compose', () => {
  test(
    'what an inner attack adds, and an offset that is there, add up; none writes to the batch',
    scoped(async () => {
      const { model, batch } = fixed();
      const [outer, inner] = [fgm({ epsilon: 0.5 }), pgd({ epsilon: 0.3, steps: 1 })];
      const there = withOffset(batch, start().mul(0.1));
      const { evaluate, seen } = recorded((next, of) => outer(inner(next, of), of), model);
      evaluate(there);
      expect(seen).toHaveLength(4);
      const parts = seen.map(({ offset }) => tf.sub(offset!, there.inputs.offset!));
      await expectClose(parts[0]!, Array<number>(72).fill(0));
      const alone = recorded(outer, model);
      alone.evaluate(there);
      const byOuter = tf.sub(alone.seen[1]!.offset!, there.inputs.offset!);
      await expectClose(parts[2]!, byOuter, { absolute: 1e-6 });
      const inThere = recorded(inner, model);
      inThere.evaluate(withOffset(batch, alone.seen[1]!.offset!));
      await expectClose(parts[3]!, tf.add(byOuter, tf.sub(inThere.seen[1]!.offset!, inThere.seen[0]!.offset!)), {
        absolute: 1e-6,
      });
      await expectSameBits(there.inputs.offset!, start().mul(0.1));
    }),
  );

  test.each(Object.entries({ fgm: fgm(), pgd: pgd(), freelb: freelb() }))(
    '%s: a penalty in the objective counts once',
    (_, attack) =>
      scoped(async () => {
        const { model, batch } = fixed();
        const decay: Term = ({ weights }) => tf.addN(model.trainable.map((name) => tf.sum<tf.Scalar>(tf.square(weights[name]!))));
        const of = (objective: Term<Labeled>, transforms: GradientTransform[]) =>
          everything(evaluationOf(model, { objective, transforms })(batch), model);
        const [both, alone] = [await of(sum(crossEntropy(), decay), [attack]), await of(crossEntropy(), [attack])];
        const names = [...model.trainable].sort();
        const twice = tf.concat(names.map((name) => model.weights[name]!.mul(2).flatten()));
        await expectClose(tf.sub(both, alone), twice, { absolute: 1e-5 });
      })(),
  );

  test(
    'the gradient of a sum does not depend on the order of the terms',
    scoped(async () => {
      const { model, batch } = fixed();
      const parts = [crossEntropy(), weighted(0.5, vat()), smart({ epsilon: 0.1, noise: 0.05, stepSize: 0.1 }), rDrop()];
      const [there, back] = await Promise.all(
        [parts, [...parts].reverse()].map((order) =>
          everything(gradientsOf(sum(...order) as Term<Labeled>, model)(batch), model),
        ),
      );
      await expectClose(there!, back!, { absolute: 1e-6 });
    }),
  );
});

test(
  'a penalty of agreement sees the attack: the objective is that of the attacked texts in both passes',
  scoped(async () => {
    const { model, batch } = fixed();
    const { evaluate, seen } = recorded(fgm(), model, gradientsOf(rDrop({ alpha: 0 }), model));
    evaluate(batch);
    const attacked = gradientsOf(crossEntropy(), model)(withOffset(batch, seen[1]!.offset!));
    expect(await valueOf(seen[1]!.loss)).toBeCloseTo(await valueOf(attacked.loss), 6);
  }),
);
