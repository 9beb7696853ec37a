import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { wholeBatch, perExample } from '../../src/adversarial/perturbation';
import { smart, smartOf } from '../../src/adversarial/smart';
import { smartCode, smartPaper } from '../../src/adversarial/smartVariants';
import { vat, vatOf } from '../../src/adversarial/vat';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import type { Encoded, ForwardOptions, Labeled, Term } from '../../src/core/types';
import { meanOf } from '../../src/losses/meanOf';
import { everything, expectMeasured, fixed, near, start, torch } from '../support/attacked';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { scoped } from '../support/leaks';
import type { Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The model, and the offsets of its passes so far; the caller disposes them. */
function listening(model: Toy): { readonly model: Toy; readonly offsets: tf.Tensor3D[] } {
  const offsets: tf.Tensor3D[] = [];
  const forward = (inputs: Encoded, options?: ForwardOptions) => {
    if (inputs.offset) offsets.push(tf.keep(inputs.offset.clone()));
    return model.forward(inputs, options);
  };
  return { model: { ...model, forward }, offsets };
}

const variants = { paper: smartPaper, code: smartCode };

describe('by hand', () => {
  test(
    'smartPaper: the gradient (2, −4) becomes (½, −1), a step of 0.1 is (0.05, −0.1), within 0.08 (0.05, −0.08)',
    scoped(async () => {
      const next = smartPaper.step(tf.zeros([1, 1, 2]), tf.tensor3d([2, -4], [1, 1, 2]), 0.1, 0.08);
      await expectClose(next, [0.05, -0.08]);
      await expectSameBits(smartPaper.step(tf.zeros([1, 1, 2]), tf.zeros([1, 1, 2]), 0.1, 0.08), [0, 0]);
    }),
  );

  test(
    'smartCode: (0.1, 0) + 0.1 · (2, −4) = (0.3, −0.4), and that over 0.4 + 0.1 is (0.6, −0.8)',
    scoped(async () => {
      const next = smartCode.step(tf.tensor3d([0.1, 0], [1, 1, 2]), tf.tensor3d([2, -4], [1, 1, 2]), 0.1, 0.1);
      await expectClose(next, [0.6, -0.8]);
    }),
  );

  test(
    'the loss of p = (¾, ¼) and q = (¼, ¾): KL(p ‖ q) + KL(q ‖ p) = ln 3; the divergence of the code: 2 (−¼ + ¾) · 2 ln 3 = 2 ln 3',
    scoped(async () => {
      const [p, q] = [tf.tensor2d([[Math.log(3), 0]]), tf.tensor2d([[0, Math.log(3)]])];
      for (const variant of [smartPaper, smartCode]) await expectClose(variant.loss(p, q), [Math.log(3)]);
      await expectClose(smartPaper.divergence(p, q), [Math.log(3)]);
      await expectClose(smartCode.divergence(p, q), [2 * Math.log(3)], { absolute: 1e-4 });
    }),
  );
});

describe('PyTorch', () => {
  test.each(['paper', 'code'] as const)('smart, %s: perturbation, loss and gradient after two steps; by rows and dense', (name) =>
    scoped(async () => {
      const { sigma, noise, loss, gradient, ...options } = torch.smart[name];
      const term: Term<Labeled> = (pass) =>
        meanOf(smartOf(pass, start().mul(sigma), { ...options, variant: variants[name] }), pass.batch);
      const { batch, dense, model: toy } = fixed();
      for (const each of [batch, dense]) {
        const { model, offsets } = listening(toy);
        const got = gradientsOf(term, model)(each);
        await expectClose(got.loss, loss, near);
        await expectClose(offsets.at(-1)!, noise, near);
        await expectMeasured(got, gradient, model);
        tf.dispose(offsets);
      }
    })(),
  );

  test(
    'vat: perturbation, loss and gradient after two iterations',
    scoped(async () => {
      const { noise, loss, gradient, ...options } = torch.vat;
      const term: Term = (pass) => meanOf(vatOf(pass, start(), { ...options, norm: perExample }), pass.batch);
      const { batch, model: toy } = fixed();
      const { model, offsets } = listening(toy);
      const got = gradientsOf(term, model)(batch);
      await expectClose(got.loss, loss, near);
      await expectClose(offsets.at(-1)!, noise, near);
      await expectMeasured(got, gradient, model);
      tf.dispose(offsets);
    }),
  );
});

test(
  'the gradient of smart is the numerical one where the perturbation is given',
  scoped(async () => {
    const { model, batch } = fixed();
    const options = { epsilon: 1, stepSize: 0, steps: 0, variant: smartPaper };
    const term: Term<Labeled> = (pass) => meanOf(smartOf(pass, start().mul(0.5), options), pass.batch);
    await expectGradient(term, model, batch, { weights: ['dense.weight', 'embeddings.word_embeddings.weight'], entries: 2 });
  }),
);

describe('limits', () => {
  test(
    'vat of ε = 0, and smart of ε = 0, are 0 with a gradient of 0; padding gets no perturbation',
    scoped(async () => {
      const { model: toy, batch } = fixed();
      for (const term of [vat({ epsilon: 0 }), vat({ norm: wholeBatch }), smart({ epsilon: 0 }), smart({ epsilon: 0.1 })]) {
        const { model, offsets } = listening(toy);
        const { loss } = gradientsOf(term, model)(batch);
        const size = await valueOf(tf.max(tf.abs(offsets.at(-1)!)));
        expect(await valueOf(loss)).toBeGreaterThanOrEqual(size === 0 ? 0 : 1e-9);
        if (size === 0) expect(await valueOf(loss)).toBe(0);
        const padding = tf.mul(offsets.at(-1)!, tf.expandDims(tf.sub(1, batch.inputs.mask), 2));
        await expectSameBits(tf.max(tf.abs(padding)), [0]);
        tf.dispose(offsets);
      }
    }),
  );

  test(
    "with the paper's ε of 1e-5 smart is next to nothing, and not below 0",
    scoped(async () => {
      const { model, batch } = fixed();
      const loss = await valueOf(gradientsOf(smart(), model)(batch).loss);
      expect(loss).toBeGreaterThanOrEqual(0);
      expect(loss).toBeLessThan(1e-7);
    }),
  );

  test(
    "vat's direction is worse than a random one of the same length",
    scoped(async () => {
      const { model, batch } = fixed();
      const at =
        (iterations: number): Term =>
        (pass) =>
          meanOf(vatOf(pass, start(), { epsilon: 0.5, xi: 0.1, iterations, norm: perExample }), pass.batch);
      const losses = await Promise.all([0, 1, 3].map((k) => valueOf(gradientsOf(at(k), model)(batch).loss)));
      expect(losses[1]).toBeGreaterThan(2 * losses[0]!);
      expect(losses[2]).toBeGreaterThan(losses[0]!);
    }),
  );

  test(
    'without dropout the term is deterministic, with it it draws from the stream; classes that are closed take no part',
    scoped(async () => {
      const { model, batch } = fixed({ dropout: 0.2 });
      for (const term of [vat(), smart({ epsilon: 0.1, noise: 0.01, stepSize: 0.1 })]) {
        const plain = gradientsOf(term, model);
        await expectSameBits(plain(batch).loss, plain(batch).loss);
        const dropping = (counter: number) => gradientsOf(term, model, createRng(3, counter))(batch);
        await expectSameBits(dropping(5).loss, dropping(5).loss);
        expect(await valueOf(dropping(5).loss)).not.toBe(await valueOf(dropping(6).loss));
        const one = { ...batch, classes: tf.tensor2d([1, 0, 0, 1, 0, 0, 1, 0, 0], [3, 3]) };
        const { loss, ...found } = plain(one);
        expect(await valueOf(loss)).toBe(0);
        expect((await everything({ loss, ...found }, model)).every((value) => value === 0)).toBe(true);
      }
    }),
  );

  test('bad arguments are refused with the value; a model without offsets is refused by name', () =>
    scoped(() => {
      expect(() => vat({ epsilon: -1 })).toThrow('vat: epsilon must be a number ≥ 0, got -1');
      expect(() => vat({ xi: 0 })).toThrow('vat: xi must be a number');
      expect(() => vat({ iterations: 0 })).toThrow('vat: iterations must be a whole number ≥ 1, got 0');
      expect(() => smart({ noise: 0 })).toThrow('smart: noise must be a number');
      expect(() => smart({ stepSize: -1 })).toThrow('smart: stepSize must be a number ≥ 0, got -1');
      expect(() => smart({ steps: 0 })).toThrow('smart: steps must be a whole number ≥ 1, got 0');
      const { model, batch } = fixed();
      const deaf = {
        ...model,
        forward: ({ ids, mask }: Encoded, options?: ForwardOptions) => model.forward({ ids, mask }, options),
      };
      expect(() => gradientsOf(vat(), deaf)(batch)).toThrow('vat: the model did not add inputs.offset');
      expect(() => gradientsOf(smart(), deaf)(batch)).toThrow('smart: the model did not add inputs.offset');
    })());
});
