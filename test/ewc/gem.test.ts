import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createStep } from '../../src/core/step';
import type { GradientFn, Labeled } from '../../src/core/types';
import { useEngine } from '../../src/engine/engines';
import { agem } from '../../src/ewc/agem';
import { gem, gemFactors, type GemOptions } from '../../src/ewc/gem';
import { partOf } from '../../src/ewc/rehearsedGradient';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { sgd } from '../../src/training/sgd';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { describeNative } from '../support/native';
import { here, move } from '../support/penalties';
import * as given from '../support/rehearsed';
import { dot, expectGradients, expectSameGradients, flat, memoryOf, newRows, oneBatch, projections } from '../support/rehearsed';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function opened(kind: 'against' | 'agreeing' | 'twoTasks', options: GemOptions = {}) {
  const model = toy();
  move(model, here);
  const guard = gem(memoryOf(model, given[kind]).draw(9), options);
  return { model, guard, batch: await oneBatch(model, newRows, guard), plain: gradientsOf(crossEntropy(), model) };
}

/** `g + Σ_k v_k r_k` of gradients given as numbers. */
async function projected(old: readonly (readonly number[])[], fresh: readonly number[], gamma: number): Promise<number[]> {
  const references = tf.tensor2d(old.map((r) => [...r])); // [t, N]
  const g = tf.tensor2d([...fresh], [fresh.length, 1]); // [N, 1]
  const products = tf.matMul(references, g).reshape<tf.Tensor1D>([old.length]);
  const factors = await valuesOf(gemFactors(tf.matMul(references, references, false, true), products, gamma));
  return fresh.map((value, i) => value + factors.reduce((sum, v, k) => sum + v * old[k]![i]!, 0));
}
const norm = (values: readonly number[]): number => Math.sqrt(dot(values, values));

describe('gem', () => {
  test.each([
    // Each alone: g = (−1, −2) against (1, 0) and (0, 1) leaves nothing.
    { old: [[1, 0], [0, 1]], gamma: 0, want: [1, 2] }, // prettier-ignore
    // The second does not bind: g = (−1, 2).
    { old: [[1, 0], [0, 1]], g: [-1, 2], gamma: 0, want: [1, 0] }, // prettier-ignore
    // It binds through γ: v₂ = ½ though 0 would do; v₁ = 1 > ½.
    { old: [[1, 0], [0, 1]], g: [-1, 2], gamma: 0.5, want: [1, 0.5] }, // prettier-ignore
    // Nothing against: γ has no effect.
    { old: [[1, 0], [0, 1]], g: [1, 2], gamma: 0.5, want: [0, 0] }, // prettier-ignore
    // Both at once: r = (1, 0), (−0.6, 0.8), g = (0, −1): gram [[1, −.6], [−.6, 1]], products (0, −0.8): v = (0.75, 1.25).
    { old: [[1, 0], [-0.6, 0.8]], g: [0, -1], gamma: 0, want: [0.75, 1.25] }, // prettier-ignore
  ])('by hand: $old with g $g and γ $gamma takes $want', ({ old, g = [-1, -2], gamma, want }) =>
    scoped(async () => {
      const gram = tf.tensor2d(old.map((r) => old.map((s) => dot(r, s))));
      await expectClose(gemFactors(gram, tf.tensor1d(old.map((r) => dot(r, g))), gamma), want);
    })(),
  );

  test(
    'no old loss rises to first order: its numerical slope along the step is 0 for each task, where it was the wrong way before',
    scoped(async () => {
      const { model, guard, batch, plain } = await opened('twoTasks', { gamma: 0 });
      const names = batch.examples.map(
        (example) => model.heads.find(({ labels }) => labels.includes((example as { label: string }).label))!.name,
      );
      const rowsOf = (name: string) => names.flatMap((each, b) => (b >= newRows.length && each === name ? [b] : []));
      const fresh = partOf('test', batch, [0, 1, 2]);
      for (const name of ['a', 'b']) {
        const old = partOf('test', batch, rowsOf(name));
        const slopes = [];
        for (const { grads, rows } of [plain(fresh), guard(plain, model)(batch)]) {
          const optimizer = sgd({ learningRate: 0.01 });
          const [before] = [await valueOf(plain(old).loss)];
          optimizer.apply(model.weights, grads, rows);
          slopes.push(((await valueOf(plain(old).loss)) - before) / 0.01);
          move(model, here);
          optimizer.dispose();
        }
        expect(slopes[0], name).toBeGreaterThan(1);
        expect(Math.abs(slopes[1]!), name).toBeLessThan(0.1);
      }
    }),
  );

  test.each(projections.programs)(
    'the program of $kind with γ = $gamma is solved as in scipy',
    ({ old, new: fresh, gamma, result }) =>
      scoped(async () => {
        await expectClose(await projected(old, fresh, gamma), result, { absolute: 1e-5 * Math.max(norm(fresh), norm(result)) });
      })(),
  );

  test.each(projections.gem)('two old tasks equal PyTorch with γ = $gamma', ({ gamma, factors, gradient }) =>
    scoped(async () => {
      const { model, guard, batch, plain } = await opened('twoTasks', { gamma });
      const got = guard(plain, model)(batch);
      await expectClose(got.loss, projections.agem.loss);
      expect(Object.keys(got.reports).sort()).toEqual(['gem.a', 'gem.b']);
      await expectClose(tf.stack([got.reports['gem.a']!, got.reports['gem.b']!]), factors, { absolute: 1e-5 });
      expect(Object.keys(got.rows)).toEqual([model.embeddingTable]);
      await expectGradients(got, gradient, model);
    })(),
  );

  describe('limits', () => {
    test(
      'without a conflict, whatever γ, and with an empty memory, it is the gradient of the new rows, bit for bit',
      scoped(async () => {
        for (const gamma of [0, 0.5]) {
          const { model, guard, batch, plain } = await opened('agreeing', { gamma, taskOf: () => 'all' });
          const [got, want] = [guard(plain, model)(batch), plain(partOf('test', batch, [0, 1, 2]))];
          expect(await valueOf(got.reports['gem.all']!)).toBe(0);
          await expectSameBits(got.loss, want.loss);
          await expectSameGradients(got, want);

          const empty = gem(replay({ perLabel: 3 }).draw(4), { gamma });
          const alone = await oneBatch(model, newRows, empty);
          const [ours, theirs] = [empty(plain, model)(alone), plain(alone)];
          for (const name in theirs.grads) await expectSameBits(ours.grads[name]!, theirs.grads[name]!);
        }
      }),
    );

    test(
      'with one task and γ = 0 it is agem; t old tasks take t + 1 evaluations',
      scoped(async () => {
        const { model, guard, batch, plain } = await opened('against', { gamma: 0 });
        const other = agem(memoryOf(model, given.against).draw(9));
        const want = other(plain, model)(await oneBatch(model, newRows, other));
        await expectClose(await flat(guard(plain, model)(batch), model), await flat(want, model), { absolute: 1e-6 });

        const two = await opened('twoTasks');
        const sizes: number[] = [];
        const counted: GradientFn<Labeled> = (part, at) => {
          sizes.push(part.examples.length);
          return two.plain(part, at);
        };
        two.guard(counted, two.model)(two.batch);
        expect(sizes).toEqual([3, 2, 2]);
      }),
    );
  });

  test(
    'leaves no tensor; a negative gamma is refused',
    scoped(async () => {
      const { model, guard, batch } = await opened('twoTasks');
      const optimizer = sgd({ learningRate: 0.01 });
      const step = createStep(model, { objective: crossEntropy(), optimizer, transforms: [guard] });
      await expectNoLeak(() => {
        const { loss, reports } = step(batch);
        tf.dispose([loss, ...Object.values(reports)]);
      });
      optimizer.dispose();
      expect(() => gem(replay({ perLabel: 1 }).draw(1), { gamma: -1 })).toThrow('gem: gamma must be a number ≥ 0, got -1');
    }),
  );
});

describeNative('gem', () => {
  test(
    "the programs are solved as on tfjs's own kernels",
    scoped(async () => {
      await useEngine({ engine: 'onnxruntime' });
      for (const { old, new: fresh, gamma, result } of projections.programs.filter(({ kind }) =>
        ['one', 'three', 'zero'].includes(kind),
      ))
        await expectClose(await projected(old, fresh, gamma), result, { absolute: 1e-5 * Math.max(norm(fresh), norm(result)) });
      await tf.setBackend('cpu');
    }),
  );
});
