import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { sum } from '../../src/core/objective';
import { batches } from '../../src/data/batches';
import type { Example, Rehearsal } from '../../src/data/types';
import { accuracyMatrix } from '../../src/ewc/accuracyMatrix';
import { ewc } from '../../src/ewc/ewc';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { adamW } from '../../src/training/adamW';
import { evaluate } from '../../src/training/evaluate';
import { fit } from '../../src/training/fit';
import { expectSameBits, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// Three tasks over the same words; what tells the two labels apart changes from task to task.
const tasks = [
  { name: 'a', labels: ['a0', 'a1'], told: [1, 2] },
  { name: 'b', labels: ['b0', 'b1'], told: [3, 4] },
  { name: 'c', labels: ['c0', 'c1'], told: [2, 3] },
].map(({ name, labels, told }) => ({
  name,
  labels,
  rows: Array.from({ length: 24 }, (_, i): Example => ({
    text: `${5 + (i % 5)} ${told[i % 2]} ${5 + ((i * 3) % 5)}`,
    label: labels[i % 2]!,
  })),
}));

interface Parts {
  readonly lambda?: number;
  readonly perLabel?: number;
  readonly guarded?: boolean;
}

/** Learns the three tasks as the README shows it. */
async function learned({ lambda = 0, perLabel = 0, guarded = true }: Parts) {
  const model = toy({ hidden: 8, heads: Object.fromEntries(tasks.map(({ name, labels }) => [name, labels])) });
  const guard = ewc({ lambda });
  const memory = replay({ perLabel, seed: 1 });
  const matrix = accuracyMatrix();
  for (const [t, task] of tasks.entries()) {
    const head = model.head(task.name);
    const optimizer = adamW({ learningRate: 0.05, weightDecay: 0 });
    const objective = guarded ? sum(crossEntropy(), guard) : crossEntropy();
    const data = batches(task.rows, { head, batchSize: 8, ...(guarded && { rehearse: memory.draw(8) }) });
    await fit(model, { objective, data, optimizer, epochs: 10, seed: 1 });
    optimizer.dispose();
    await guard.consolidate(model, batches(task.rows, { head, batchSize: 8 }));
    memory.remember(task.rows, { head });
    matrix.add(task.name, await evaluate(model, Object.fromEntries(tasks.slice(0, t + 1).map(({ name, rows }) => [name, rows]))));
  }
  guard.dispose();
  return { model, matrix };
}

describe('three tasks in sequence', () => {
  test(
    'EWC and replay each keep more than naive training, and learn as well',
    scoped(async () => {
      const [naive, held, replayed] = [await learned({}), await learned({ lambda: 1000 }), await learned({ perLabel: 8 })];
      expect(naive.matrix.summary().forgetting).toBeGreaterThan(0.1);
      for (const { matrix } of [held, replayed]) {
        expect(matrix.summary().final).toBeGreaterThan(naive.matrix.summary().final + 0.1);
        expect(matrix.summary().learn).toBeGreaterThan(0.9);
      }
    }),
  );

  test(
    'λ = 0 and a memory of size 0 are naive training, bit for bit',
    scoped(async () => {
      const [plain, empty] = [await learned({ guarded: false }), await learned({})];
      for (const name of plain.model.trainable)
        await expectSameBits(empty.model.weights[name]!, await valuesOf(plain.model.weights[name]!));
    }),
  );
});

describe('a batch with rehearsed rows', () => {
  test(
    'each row competes among the classes of its own task, and the two means are added',
    scoped(async () => {
      const model = toy();
      const [a, b] = [model.head('a'), model.head('b')];
      const memory = replay({ perLabel: 5 });
      memory.remember(
        [
          { text: '1', label: 'x' },
          { text: '2', label: 'y' },
        ],
        { head: a },
      );
      const rehearse: Rehearsal = memory.draw(2);
      const data = batches(
        [3, 4, 5, 6].map((word) => ({ text: String(word), label: 'z' })),
        { head: b, batchSize: 4, rehearse },
      );
      for await (const { classes, shares, labels } of data.open({ model, seed: 1, epoch: 0 })) {
        expect(await valuesOf(labels)).toEqual([2, 2, 2, 2, ...(await valuesOf(labels)).slice(4)]);
        expect(await valuesOf(classes!)).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0]);
        expect(await valuesOf(shares!)).toEqual([0.25, 0.25, 0.25, 0.25, 0.5, 0.5]);
      }
    }),
  );
});
