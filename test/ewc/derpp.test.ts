import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import type { Labeled, Term } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import type { Example, Rehearsal } from '../../src/data/types';
import { accuracyMatrix } from '../../src/ewc/accuracyMatrix';
import { derpp, logitDistanceOf, type Derpp } from '../../src/ewc/derpp';
import { replay, type Replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { adamW } from '../../src/training/adamW';
import { evaluate } from '../../src/training/evaluate';
import { fit } from '../../src/training/fit';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { batchesOf, filled, fresh, kept, old } from '../support/dark';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { anyInputs } from '../support/given';
import { scoped } from '../support/leaks';
import { shifted } from '../support/penalties';
import { speaking } from '../support/speaking';
import { toy } from '../support/toy';

const python = fixture<{
  readonly derpp: {
    readonly [Name in 'labels' | 'classes' | 'logits']: number[];
  } & { readonly alpha: number; readonly beta: number; readonly fresh: number; readonly value: number } & {
    readonly kept: (number | null)[][];
    readonly gradient: { readonly logits: number[] };
  };
}>('distilledTasks.json').derpp;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('derpp', () => {
  test(
    'by hand: CE ln 2, then ½ · ((1 − 3)² + 0²) / 2 = 1 and 2 · ln 2; the closed third column says nothing',
    scoped(async () => {
      const model = speaking(tf.tensor2d([[0, 0, -1e9], [1, 1, -1e9]])); // prettier-ignore
      const { objective } = derpp({ alpha: 0.5, beta: 2, perLabel: 1 });
      const batch = {
        ...{ inputs: anyInputs(), examples: [{ text: '' }, kept(3, 1, null)], labels: tf.tensor1d([0, 1], 'int32') },
        shares: tf.tensor1d([1, 1]),
      };
      const { loss, grads, reports } = gradientsOf(objective, model)(batch);
      await expectClose(loss, [3 * Math.log(2) + 1]);
      await expectClose(reports['derpp']!, [1]);
      // CE: q − y, twice for the old row; the distance: α · 2 (z − k) / 2 = −1.
      await expectClose(grads['z']!, [-0.5, 0.5, 0, 2 * 0.5 - 1, 2 * -0.5, 0]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const memory = await filled(model, derpp({ perLabel: 2 }));
      shifted(model, 0.3);
      const [batch] = await batchesOf(model, memory.drawApart(2));
      await expectGradient(memory.objective, model, batch!, { entries: 3 });
    }),
  );

  test(
    'equals PyTorch: value and gradient of seven rows, four of them remembered with three or five classes',
    scoped(async () => {
      const { alpha, beta, fresh, labels, classes, logits } = python;
      const B = labels.length;
      const model = speaking(tf.tensor(logits).reshape([B, -1]));
      const { loss, grads } = gradientsOf(
        derpp({ alpha, beta, perLabel: 1 }).objective,
        model,
      )({
        inputs: anyInputs(),
        examples: [...Array.from({ length: fresh }, () => ({ text: '' })), ...python.kept.map((row) => kept(...row))],
        labels: tf.tensor1d(labels, 'int32'),
        classes: tf.tensor(classes).reshape([B, -1]),
        shares: tf.tensor1d(labels.map((_, b) => (b < fresh ? 1 / fresh : 1 / (B - fresh)))),
      });
      await expectClose(loss, [python.value], { absolute: 1e-5 });
      await expectClose(grads['z']!, python.gradient.logits, { absolute: 1e-6 });
    }),
  );

  describe('limits', () => {
    const trained = async (part: (memory: Derpp, plain: Replay) => { objective: Term<Labeled>; rehearse: Rehearsal }) => {
      const model = toy();
      const [memory, plain] = [
        await filled(model, derpp({ alpha: 0, beta: 1, perLabel: 3, seed: 4 })),
        replay({ perLabel: 3, seed: 4 }),
      ];
      plain.remember(old, { head: model.head('a') });
      const { objective, rehearse } = part(memory, plain);
      const optimizer = adamW({ learningRate: 0.05 });
      await fit(model, {
        objective,
        data: batches(fresh, { head: model.head('b'), batchSize: 4, rehearse }),
        optimizer,
        seed: 1,
      });
      optimizer.dispose();
      return model.weights;
    };

    test(
      'α = 0, β = 1 is replay with the cross entropy, bit for bit',
      scoped(async () => {
        const got = await trained(({ objective, draw }) => ({ objective, rehearse: draw(4) }));
        const want = await trained((_, { draw }) => ({ objective: crossEntropy(), rehearse: draw(4) }));
        for (const name in want) await expectSameBits(got[name]!, want[name]!);
      }),
    );

    test(
      'α = β = 0 is the cross entropy of the new rows; an empty memory too, bit for bit',
      scoped(async () => {
        const model = toy();
        const memory = await filled(model, derpp({ alpha: 0, beta: 0, perLabel: 3 }));
        shifted(model, 0.2);
        const [[mixed], [alone]] = [
          await batchesOf(model, memory.draw(4)),
          await batchesOf(model, replay({ perLabel: 1 }).draw(4)),
        ];
        const want = gradientsOf(crossEntropy(), model)(alone!);
        const got = gradientsOf(memory.objective, model)(mixed!);
        await expectClose(got.loss, want.loss);
        const dense = denseGradients(want.grads, want.rows, model.weights);
        for (const [name, grad] of Object.entries(denseGradients(got.grads, got.rows, model.weights)))
          await expectClose(grad, dense[name]!);
        const empty = gradientsOf(derpp({ perLabel: 3 }).objective, model)(alone!);
        await expectSameBits(empty.loss, want.loss);
        for (const name in want.grads) await expectSameBits(empty.grads[name]!, want.grads[name]!);
      }),
    );

    test(
      'right after remembering, the distance is 0; two draws of everything weigh as one',
      scoped(async () => {
        const model = toy();
        const memory = await filled(model, derpp({ alpha: 2, beta: 0.5, perLabel: 2 }));
        const [[once], [apart]] = [await batchesOf(model, memory.draw(4)), await batchesOf(model, memory.drawApart(4))];
        expect(await valueOf(gradientsOf(memory.objective, model)(once!).reports['derpp']!)).toBeLessThan(1e-10);
        shifted(model, 0.2);
        expect([once!, apart!].map(({ labels }) => labels.size)).toEqual([8, 12]);
        const [one, two] = [once!, apart!].map((batch) => gradientsOf(memory.objective, model)(batch));
        await expectClose(two!.loss, one!.loss);
        await expectClose(two!.reports['derpp']!, one!.reports['derpp']!);
        expect(await valueOf(one!.reports['derpp']!)).toBeGreaterThan(1e-3);
      }),
    );
  });

  test(
    'three tasks in sequence, all classes competing: it keeps more than training on the new rows alone',
    scoped(async () => {
      const words = { a: [1, 2], b: [3, 4], c: [5, 6] };
      const rows = Object.entries(words).map(([task, told]) =>
        Array.from({ length: 16 }, (_, i): Example => ({ text: `${7 + (i % 4)} ${told[i % 2]}`, label: `${task}${i % 2}` })),
      );
      const learned = async (alpha: number, beta: number) => {
        const model = toy({ hidden: 8, heads: { a: ['a0', 'a1'], b: ['b0', 'b1'], c: ['c0', 'c1'] } });
        const [memory, matrix] = [derpp({ alpha, beta, perLabel: 4, seed: 1 }), accuracyMatrix()];
        for (const [t, head] of model.heads.entries()) {
          const classes = model.heads.slice(0, t + 1);
          const data = batches(rows[t]!, { head, batchSize: 8, rehearse: memory.draw(8), classes });
          const optimizer = adamW({ learningRate: 0.05, weightDecay: 0 });
          await fit(model, { objective: memory.objective, data, optimizer, epochs: 6, seed: 1 });
          optimizer.dispose();
          await memory.remember(model, rows[t]!, { head, classes });
          const tests = Object.fromEntries(classes.map(({ name }, i) => [name, rows[i]!]));
          matrix.add(head.name, await evaluate(model, tests, { classes }));
        }
        return matrix.summary();
      };
      const [naive, held] = [await learned(0, 0), await learned(0.3, 0.5)];
      expect(naive.final).toBeLessThan(0.5);
      expect(held.final).toBeGreaterThan(0.9);
      expect(held.learn).toBeGreaterThan(0.9);
    }),
  );
});

describe('logitDistanceOf', () => {
  test(
    'the mean over the known columns of each row, 0 where none is known',
    scoped(async () => {
      const [z, k] = [tf.tensor2d([[1, 2, 9], [1, 1, 1]]), tf.tensor2d([[0, 4, 0], [5, 5, 5]])]; // prettier-ignore
      await expectClose(logitDistanceOf(z, k, tf.tensor2d([[1, 1, 0], [0, 0, 0]])), [2.5, 0]); // prettier-ignore
    }),
  );
});
