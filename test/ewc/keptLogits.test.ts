import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { disposeBatch } from '../../src/data/disposeBatch';
import { derpp } from '../../src/ewc/derpp';
import type { RememberedExample } from '../../src/ewc/keptLogits';
import { replay } from '../../src/ewc/replay';
import { expectClose, valuesOf } from '../support/close';
import { batchesOf, filled, fresh, kept, old } from '../support/dark';
import { failure } from '../support/failure';
import { anyInputs } from '../support/given';
import { expectNoLeak, scoped } from '../support/leaks';
import { shifted } from '../support/penalties';
import { speaking } from '../support/speaking';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the memory of derpp', () => {
  test(
    'keeps the examples that replay keeps, with the logits of that moment, of the classes that took part',
    scoped(async () => {
      const model = toy();
      const [memory, plain] = [derpp({ perLabel: 2, seed: 7 }), replay({ perLabel: 2, seed: 7 })];
      const [a, b] = [model.head('a'), model.head('b')];
      const calls = model.calls;
      await filled(model, memory);
      expect(model.calls).toBe(calls + 1);
      plain.remember(old, { head: a });
      const first = await Promise.all(
        memory.state().labels.flatMap(({ examples }) => examples).map(async ({ text, ...rest }) => {
          const { logits } = model.forward(toyBatch([text.split(' ').map(Number)], [0]).inputs);
          const [x, y] = await valuesOf(logits);
          const { derpp: known } = rest as unknown as RememberedExample;
          await expectClose([known.logits[0]!, known.logits[1]!], [x!, y!]);
          expect(known.logits[2]).toBeNull();
          return known.logits;
        }),
      ); // prettier-ignore
      shifted(model, 0.3);
      await memory.remember(model, fresh, { head: b, classes: [a, b] });
      plain.remember(fresh, { head: b });
      expect([memory.size, memory.counts()]).toEqual([plain.size, plain.counts()]);
      const all = memory.state().labels.flatMap(({ examples }) => examples) as unknown as RememberedExample[];
      expect(all.map(({ derpp: _, ...example }) => example)).toEqual(plain.state().labels.flatMap(({ examples }) => examples));
      // What was kept before stays as it was said then; the new ones have all three classes.
      expect(all.slice(0, 4).map(({ derpp: { logits } }) => logits)).toEqual(first);
      for (const { derpp: { logits } } of all.slice(4)) expect(logits.every(Number.isFinite)).toBe(true); // prettier-ignore
    }),
  );

  test(
    'a state goes through JSON and goes on the same; what cannot be used is refused and changes nothing',
    scoped(async () => {
      const model = toy();
      const memory = await filled(model, derpp({ perLabel: 2, seed: 3 }));
      const before = memory.state();
      const again = derpp({ perLabel: 2 });
      again.restore(JSON.parse(JSON.stringify(before)) as typeof before, model);
      expect(again.state()).toEqual(before);
      expect(again.draw(3).draw(seedrandom('1'))).toEqual(memory.draw(3).draw(seedrandom('1')));
      const plain = replay({ perLabel: 2 });
      plain.remember(old, { head: model.head('a') });
      expect(() => again.restore(plain.state(), model)).toThrow('derpp: the state has an example without logits');
      expect(() => again.restore(before, { head: model.head, classCount: 2 })).toThrow('logits of 3 classes, the model 2');
      const head = model.head('a');
      expect(await failure(again.remember(model, [{ text: '1', label: 'q' }], { head }))).toMatchObject({
        code: 'unknown-label',
      });
      expect((await failure(again.remember(model, fresh, { head: model.head('b'), classes: [head] }))).message).toBe(
        "derpp: classes leave out head 'b', which the labels belong to",
      );
      model.weights['dense.bias']!.assign(tf.fill([6], NaN));
      expect(await failure(again.remember(model, old, { head }))).toMatchObject({ code: 'not-finite' });
      expect(again.state()).toEqual(before);
      const narrow = speaking(tf.zeros([1, 2]));
      const batch = { inputs: anyInputs(), examples: [kept(1, 2, 3)], labels: tf.tensor1d([0], 'int32') };
      expect(() => gradientsOf(memory.objective, narrow)(batch)).toThrow('logits of 3 classes, the model 2');
      expect(() => derpp({ alpha: -1, perLabel: 1 })).toThrow('derpp: alpha must be a number ≥ 0, got -1');
      expect(() => derpp({ beta: NaN, perLabel: 1 })).toThrow('derpp: beta must be a number ≥ 0, got NaN');
    }),
  );

  test('remembering leaves no tensor, whether it succeeds or fails', async () => {
    const model = toy();
    await expectNoLeak(async () => {
      const memory = await filled(model, derpp({ perLabel: 2 }));
      (await batchesOf(model, memory.draw(2))).forEach(disposeBatch);
      tf.tidy(() => model.weights['dense.bias']!.assign(tf.fill([6], NaN)));
      await failure(filled(model, derpp({ perLabel: 2 })));
      tf.tidy(() => model.weights['dense.bias']!.assign(tf.zeros([6])));
    });
    model.dispose();
  });
});
