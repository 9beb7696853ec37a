import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import type { Example } from '../../src/data/types';
import { disposeBatch } from '../../src/data/disposeBatch';
import { derpp } from '../../src/ewc/derpp';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
import { here, move, shifted, tasks } from '../support/penalties';
import { biased, expectGradients, fixture, newRows, oneBatch, setBias } from '../support/rehearsals';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const old: readonly Example[] = [
  { text: '1 2 3 1', label: 'x' },
  { text: '2 2 2', label: 'y' },
];

describe('derpp', () => {
  test(
    'by hand: logits (1, 0) remembered, (0, 0) now: ln 2 + 0.3 · 1/2 + 0.5 · ln 2',
    scoped(async () => {
      const model = biased([1, 0]);
      const memory = derpp({ perLabel: 5 });
      await memory.remember(model, [old[0]!], { head: model.head('0') });
      setBias(model, [0, 0]);
      const batch = await oneBatch(model, [newRows[0]!], memory.draw(1));
      expect(batch.examples).toHaveLength(3);
      const { loss, reports } = gradientsOf(memory, model)(batch);
      await expectClose(loss, [1.5 * Math.LN2 + 0.15]);
      await expectClose(reports['derpp.logits']!, [0.15]);
      await expectClose(reports['derpp.labels']!, [0.5 * Math.LN2]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const memory = derpp({ perLabel: 5, alpha: 2, beta: 0.7 });
      await memory.remember(model, old, { head: model.head('a') });
      shifted(model, 0.3);
      await expectGradient(memory, model, await oneBatch(model, newRows, memory.draw(2)));
    }),
  );

  test(
    'equals PyTorch, with two draws and with one',
    scoped(async () => {
      const model = toy();
      move(model, tasks[0]!.weights);
      const memory = derpp({ perLabel: 5 });
      await memory.remember(model, old, { head: model.head('a') });
      move(model, here);
      for (const [rehearsal, rows] of [
        [memory.draw(9), 7],
        [memory.drawOnce(9), 5],
      ] as const) {
        const batch = await oneBatch(model, newRows, rehearsal);
        expect(batch.examples).toHaveLength(rows);
        const got = gradientsOf(memory, model)(batch);
        expect(await valueOf(got.loss)).toBeCloseTo(fixture.derpp.value, 5);
        await expectGradients(got, fixture.derpp.gradient, model);
      }
    }),
  );

  test(
    'limits: empty, it is the cross entropy bit for bit; α = 0 and β = 1 is replay; at the stored logits only labels count',
    scoped(async () => {
      const model = toy();
      const empty = derpp({ perLabel: 0 });
      await empty.remember(model, old, { head: model.head('a') });
      const alone = await oneBatch(model, newRows, empty.draw(4));
      const [got, want] = [gradientsOf(empty, model)(alone), gradientsOf(crossEntropy(), model)(alone)];
      await expectSameBits(got.loss, want.loss);
      for (const name in want.grads) await expectSameBits(got.grads[name]!, want.grads[name]!);

      const memory = derpp({ perLabel: 5, alpha: 0, beta: 1 });
      await memory.remember(model, old, { head: model.head('a') });
      const batch = await oneBatch(model, newRows, memory.drawOnce(2));
      const [ours, theirs] = [gradientsOf(memory, model)(batch), gradientsOf(crossEntropy(), model)(batch)];
      await expectClose(ours.loss, theirs.loss);
      for (const name in theirs.grads) await expectClose(ours.grads[name]!, theirs.grads[name]!);

      const unmoved = derpp({ perLabel: 5, alpha: 9 });
      await unmoved.remember(model, old, { head: model.head('a') });
      const { reports } = gradientsOf(unmoved, model)(await oneBatch(model, newRows, unmoved.draw(2)));
      await expectClose(reports['derpp.logits']!, [0], { absolute: 1e-10 });
    }),
  );

  test(
    'logits are stored once, over the classes of then, and go through JSON',
    scoped(async () => {
      const model = toy();
      const memory = derpp({ perLabel: 5 });
      await memory.remember(model, old, { head: model.head('a'), classes: model.heads });
      const before = memory.state();
      const kept = before.labels.map(({ examples }) => (examples[0] as { kept?: unknown }).kept);
      expect(kept).toEqual([0, 1].map(() => ({ heads: ['a', 'b'], logits: [0, 1, 2].map(() => expect.any(Number) as number) })));
      shifted(model, 0.3);
      await memory.remember(model, [{ text: '8', label: 'z' }], { head: model.head('b') });
      expect(memory.state().labels.slice(0, 2)).toEqual(before.labels);
      expect([memory.size, memory.counts()]).toEqual([3, { a: { x: 1, y: 1 }, b: { z: 1 } }]);

      const again = derpp({ perLabel: 5 });
      again.restore(JSON.parse(JSON.stringify(memory.state())) as ReturnType<typeof memory.state>, model);
      expect(again.state()).toEqual(memory.state());
      const [a, b] = [
        gradientsOf(memory, model)(await oneBatch(model, newRows, memory.draw(3))),
        gradientsOf(again, model)(await oneBatch(model, newRows, again.draw(3))),
      ];
      await expectSameBits(a.loss, b.loss);
    }),
  );

  test(
    'a failure changes nothing, nothing leaks, bad arguments and states are refused',
    scoped(async () => {
      const model = toy();
      const memory = derpp({ perLabel: 5 });
      await memory.remember(model, old, { head: model.head('a') });
      const before = memory.state();
      const broken = {
        ...model,
        forward: () => {
          throw new Error('no engine');
        },
      };
      await expectNoLeak(async () => {
        await expect(memory.remember(broken, [{ text: '5', label: 'x' }], { head: model.head('a') })).rejects.toThrow(
          'no engine',
        );
        await expect(memory.remember(model, [{ text: '5', label: 'q' }], { head: model.head('a') })).rejects.toMatchObject({
          code: 'unknown-label',
        });
        await derpp({ perLabel: 2 }).remember(model, old, { head: model.head('a') });
        disposeBatch(await oneBatch(model, newRows, memory.draw(2)));
      });
      expect(memory.state()).toEqual(before);
      const without = before.labels.map((shelf) => ({ ...shelf, examples: [{ text: '1', label: shelf.label }] }));
      expect(() => memory.restore({ ...before, labels: without }, model)).toThrow('an example without logits');
      const wider = { head: () => toy({ heads: { a: ['x', 'y', 'w'] } }).head('a') };
      expect(() => memory.restore(before, wider)).toThrow('2 logits for 3 classes');
      expect(() => derpp({ perLabel: 1, alpha: -1 })).toThrow('derpp: alpha must be a number ≥ 0, got -1');
      expect(() => derpp({ perLabel: 1, beta: NaN })).toThrow('derpp: beta must be');
    }),
  );
});
