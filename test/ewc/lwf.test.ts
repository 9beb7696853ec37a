import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import { klAcrossHeads, klPerHead, lwf } from '../../src/ewc/lwf';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { scoped } from '../support/leaks';
import { pupil } from '../support/pupil';
import { expectNothing, here, move, shifted, somewhere, tasks } from '../support/penalties';
import { speaking } from '../support/speaking';
import { headsOf, toyBatch } from '../support/toy';

interface Measured {
  readonly value: number;
  readonly gradient: Readonly<Record<string, readonly number[]>>;
}
const python = fixture<{
  readonly logits: Record<'perHead' | 'acrossHeads', Measured> & {
    readonly [Name in 'student' | 'teacher' | 'sizes']: readonly number[];
  } & { readonly B: number; readonly temperature: number };
  readonly toy: Record<'firstHead' | 'acrossHeads', Measured> & {
    readonly texts: number[][];
    readonly lambda: number;
    readonly temperature: number;
  };
}>('distilledTasks.json');

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const columns = (...masks: number[][]) => masks.map((mask) => tf.tensor2d([mask]));

describe('lwf', () => {
  test(
    'by hand: ln 9 over T = 2 gives p = (¾, ¼), now q = (½, ½): ¾ ln 3/2 − ¼ ln 2, slope (q − p) / T',
    scoped(async () => {
      const heads = headsOf({ a: ['x', 'y'] });
      const model = Object.assign(speaking(tf.tensor2d([[Math.log(9), 0]])), { heads, classCount: 2, head: () => heads[0]! });
      const guard = lwf({ lambda: 2, temperature: 2, frozenHeads: false });
      guard.consolidate(model);
      model.weights['z']!.assign(tf.tensor2d([[5, 5]]));
      const { loss, grads, reports } = gradientsOf(guard, model)(toyBatch([[1]], [0]));
      await expectClose(loss, [2 * (0.75 * Math.log(1.5) - 0.25 * Math.log(2))]);
      await expectClose(grads['z']!, [-0.25, 0.25]);
      await expectSameBits(reports['lwf']!, loss);
      guard.dispose();
    }),
  );

  test(
    'its gradient is the numerical one, with frozen heads and with free ones',
    scoped(async () => {
      for (const frozenHeads of [true, false]) {
        const model = pupil();
        const guard = lwf({ lambda: 3, temperature: 1.5, divergence: klAcrossHeads, frozenHeads });
        guard.consolidate(model);
        shifted(model, 0.3);
        model.weights['dense.weight']!.assign(model.weights['dense.weight']!.mul(-1));
        await expectGradient(guard, model, toyBatch([[1, 2, 3], [4]], [0, 1]), { entries: 2 });
        guard.dispose();
      }
    }),
  );

  describe('equals PyTorch', () => {
    test.each([['perHead', klPerHead] as const, ['acrossHeads', klAcrossHeads] as const])(
      '%s: logits of four heads',
      (name, of) =>
        scoped(async () => {
          const { B, sizes, temperature, student, teacher, ...want } = python.logits;
          const all = sizes.reduce((total, size) => total + size);
          const old = all - sizes.at(-1)!;
          const heads = headsOf(
            Object.fromEntries(sizes.slice(0, -1).map((n, h) => [`h${h}`, Array.from({ length: n }, String)])),
          );
          const masks = columns(
            ...heads.map(({ offset, labels }) =>
              Array.from({ length: old }, (_, c) => Number(c >= offset && c < offset + labels.length)),
            ),
          );
          const softened = (z: tf.Tensor) =>
            z.reshape<tf.Tensor2D>([B, -1]).slice([0, 0], [B, old]).div<tf.Tensor2D>(temperature);
          const loss = (z: tf.Tensor) => tf.mean<tf.Scalar>(of(softened(tf.tensor([...teacher])), softened(z), masks));
          const { value, grad } = tf.valueAndGrad(loss)(tf.tensor([...student]));
          await expectClose(value, [want[name].value], { absolute: 1e-6 });
          await expectClose(grad, want[name].gradient['student']!, { absolute: 1e-6 });
        })(),
    );

    test.each([
      ['firstHead', klPerHead, ['0']],
      ['acrossHeads', klAcrossHeads, ['0', '1']],
    ] as const)('%s: a teacher and a model away from it, every gradient', (name, divergence, old) =>
      scoped(async () => {
        const model = pupil();
        const { texts, lambda, temperature, ...want } = python.toy;
        const guard = lwf({ lambda, temperature, divergence, frozenHeads: false });
        move(model, tasks[0]!.weights);
        guard.consolidate(model, { heads: old.map((head) => model.head(head)) });
        move(model, here);
        const { loss, grads, rows } = gradientsOf(guard, model)(toyBatch(texts, [0, 0, 0], { byRows: true }));
        await expectClose(loss, [want[name].value], { absolute: 1e-5 });
        const dense = denseGradients(grads, rows, model.weights);
        for (const weight in dense) {
          await expectClose(dense[weight]!, want[name].gradient[weight]!, { absolute: 1e-5, relative: 1e-5 });
        }
        expect(Object.keys(dense).sort()).toEqual(Object.keys(want[name].gradient).sort());
        guard.dispose();
      })(),
    );
  });

  describe('limits', () => {
    test(
      'before any task, and with λ = 0, it is training without it, bit for bit, and nothing is frozen',
      scoped(async () => {
        const model = pupil();
        const [fresh, free] = [lwf(), lwf({ lambda: 0 })];
        free.consolidate(model);
        expect(model.trainable).toEqual(Object.keys(model.weights));
        shifted(model, 0.3);
        for (const guard of [fresh, free]) await expectNothing(guard, model);
        const calls = model.calls;
        gradientsOf(free, model)(somewhere());
        expect(model.calls).toBe(calls);
        free.dispose();
      }),
    );

    test(
      'at its own teacher value and gradient are 0; one head is the same by itself as across',
      scoped(async () => {
        const model = pupil();
        const [each, across] = [klPerHead, klAcrossHeads].map((divergence) => lwf({ divergence, frozenHeads: false }));
        for (const guard of [each!, across!]) {
          guard.consolidate(model);
          const { loss, grads } = gradientsOf(guard, model)(toyBatch([[1, 2], [3]], [0, 1]));
          expect(await valueOf(loss)).toBe(0);
          for (const grad of Object.values(grads)) await expectClose(grad, new Float32Array(grad.size), { absolute: 1e-6 });
          guard.consolidate(model, { heads: [model.head('0')] });
        }
        move(model, here);
        const [one, other] = [each!, across!].map((guard) => gradientsOf(guard, model)(somewhere()));
        expect(await valueOf(one!.loss)).toBeGreaterThan(1e-4);
        await expectSameBits(one!.loss, other!.loss);
        for (const guard of [each!, across!]) guard.dispose();
      }),
    );
  });
});
