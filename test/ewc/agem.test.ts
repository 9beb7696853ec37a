import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import type { GradientFn, Labeled } from '../../src/core/types';
import { agem } from '../../src/ewc/agem';
import { partOfBatch } from '../../src/ewc/partOfBatch';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { here, move } from '../support/penalties';
import { expectGradients, fixture, newRows, oneBatch } from '../support/rehearsals';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const memoryOf = (texts: readonly string[], label: string) => {
  const memory = replay({ perLabel: 9 });
  memory.remember(
    texts.map((text) => ({ text, label })),
    { head: toy().head('a') },
  );
  return memory;
};
/** The first new text with another label. */
const against = () => agem(memoryOf(['6 7 1', '2 2 2'], 'x').draw(9));

describe('agem', () => {
  test(
    'by hand: g (3, −4) with r (0, 2) becomes (3, 0); with r (1, 0) it stays',
    scoped(async () => {
      for (const [r, want, taken] of [
        [[0, 2], [3, 0], 2],
        [[1, 0], [3, -4], 0],
      ] as const) {
        const model = toy();
        const guard = against();
        const batch = await oneBatch(model, newRows, guard);
        const fake: GradientFn<Labeled> = ({ examples }) => ({
          loss: tf.scalar(examples.length),
          grads: { w: tf.tensor1d(examples.length === 3 ? [3, -4] : [...r]) },
          rows: {},
          reports: {},
        });
        const { loss, grads, reports } = guard(fake, model)(batch);
        await expectClose(grads['w']!, want);
        await expectClose(reports['agem']!, [taken]);
        await expectClose(loss, [3]);
      }
    }),
  );

  test(
    'what is left has nothing against the remembered rows, and is what the new rows want otherwise',
    scoped(async () => {
      const model = toy();
      const guard = against();
      const batch = await oneBatch(model, newRows, guard);
      const plain = gradientsOf(crossEntropy(), model);
      const flat = async (evaluation: ReturnType<typeof plain>) =>
        (await Promise.all(Object.values(denseGradients(evaluation.grads, evaluation.rows, model.weights)).map(valuesOf))).flat();
      const [got, g, r] = await Promise.all([
        flat(guard(plain, model)(batch)),
        flat(plain(partOfBatch(batch, 0, 3))),
        flat(plain(partOfBatch(batch, 3, 2))),
      ]);
      const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
      expect(dot(g, r)).toBeLessThan(-0.01);
      expect(Math.abs(dot(got, r))).toBeLessThan(1e-5);
      // A projection: g − got is along r, so at right angles to what is left.
      expect(Math.abs(dot(got, got) - dot(got, g))).toBeLessThan(1e-5);
    }),
  );

  test(
    'equals PyTorch',
    scoped(async () => {
      const model = toy();
      move(model, here);
      const guard = against();
      const got = guard(gradientsOf(crossEntropy(), model), model)(await oneBatch(model, newRows, guard));
      await expectClose(got.reports['agem']!, [fixture.agem.taken], { absolute: 1e-5, relative: 1e-4 });
      expect(Object.keys(got.rows)).toEqual([model.embeddingTable]);
      await expectGradients(got, fixture.agem.gradient, model);
    }),
  );

  test(
    'limits: without a conflict, and with an empty memory, it is the plain gradient of the new rows, bit for bit',
    scoped(async () => {
      const model = toy();
      const agreeing = agem(memoryOf(['9 10 9 10'], 'x').draw(9));
      const batch = await oneBatch(model, [newRows[2]!], agreeing);
      const plain = gradientsOf(crossEntropy(), model);
      const got = agreeing(plain, model)(batch);
      const want = plain(partOfBatch(batch, 0, 1));
      expect(await valueOf(got.reports['agem']!)).toBe(0);
      await expectSameBits(got.loss, want.loss);
      expect(got.rows).toEqual(want.rows);
      expect(Object.keys(got.grads)).toEqual(Object.keys(want.grads));
      // Adding 0 makes a 0 of a −0.
      for (const name in want.grads) await expectSameBits(got.grads[name]!.add(0), want.grads[name]!.add(0));

      const empty = agem(replay({ perLabel: 3 }).draw(4));
      const alone = await oneBatch(model, newRows, empty);
      const [ours, theirs] = [empty(plain, model)(alone), plain(alone)];
      expect(Object.keys(ours.reports)).toEqual([]);
      for (const name in theirs.grads) await expectSameBits(ours.grads[name]!, theirs.grads[name]!);
    }),
  );

  test(
    'a remembered text that also comes as a new row is told apart, and an offset is cut and joined',
    scoped(async () => {
      const model = toy();
      const row = { text: '1 2', label: 'x' };
      const guard = agem({ draw: () => [{ example: row, head: model.head('a') }] });
      const batch = await oneBatch(model, [row, newRows[0]!], guard);
      const sizes: number[] = [];
      const plain = gradientsOf(crossEntropy(), model);
      const counted: GradientFn<Labeled> = (part, at) => {
        sizes.push(part.examples.length);
        return plain(part, at);
      };
      const offset = tf.zeros<tf.Rank.R3>([...batch.inputs.ids.shape, model.hiddenSize]);
      const { offset: found } = guard(counted, model)({ ...batch, inputs: { ...batch.inputs, offset } });
      expect(sizes).toEqual([2, 1]);
      expect(found!.shape).toEqual(offset.shape);
    }),
  );
});
