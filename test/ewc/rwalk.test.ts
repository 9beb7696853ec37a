import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import type { Updater } from '../../src/core/types';
import { rwalk } from '../../src/ewc/rwalk';
import { importanceOf, scoreOf } from '../../src/ewc/rwalkScores';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { adamW } from '../../src/training/adamW';
import { sgd } from '../../src/training/sgd';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import {
  expectOnlyTracks,
  expectRefusesOtherModel,
  mixed,
  move,
  oneWeight,
  shifted,
  somewhere,
  stepOf,
  tasks,
} from '../support/penalties';
import { projections } from '../support/rehearsed';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('rwalk', () => {
  test(
    'by hand: g = 2 and Δw = −½ give F = 4 and s = 1 / (½ · 4 · ¼ + ½) = 1; the only weight has importance 1 + 1',
    scoped(async () => {
      const model = oneWeight(1);
      const guard = rwalk({ lambda: 3, alpha: 0.5, deltaT: 1, epsilon: 0.5 });
      const optimizer = guard.tracked(sgd({ learningRate: 0.25 }));
      optimizer.apply(model.weights, { w: tf.tensor2d([[2]]) });
      guard.consolidate(model);
      await expectClose(
        tf.concat(['fisher', 'score', 'importance', 'anchor'].map((kind) => guard.state()[`${kind}.w`]!)),
        [4, 1, 2, 0.5],
      );
      model.set(1.5);
      const { loss, grads, reports } = gradientsOf(guard, model)(somewhere());
      await expectClose(loss, [6]); // 3 · 2 · 1²
      await expectSameBits(reports['rwalk']!, loss);
      await expectClose(grads['w']!, [12]);

      // The gradient 16 contains the penalty's 12: g = 4, F = ½ · 16 + ½ · 4, Δw = −4, s = 16 / (½ · 10 · 16 + ½), averaged with 1.
      optimizer.apply(model.weights, { w: tf.tensor2d([[16]]) });
      guard.consolidate(model);
      await expectClose(tf.concat(['fisher', 'score', 'anchor'].map((kind) => guard.state()[`${kind}.w`]!)), [
        10,
        (1 + 16 / 80.5) / 2,
        -2.5,
      ]);
      for (const each of [guard, optimizer]) each.dispose();
    }),
  );

  test(
    'by hand: a way uphill scores 0; each part is divided by its maximum over all weights, and stays 0 where it is',
    scoped(async () => {
      await expectClose(scoreOf(tf.tensor1d([1, -1, 0]), tf.tensor1d([2, 2, 0]), tf.tensor1d([1, 1, 0]), 1), [0.5, 0, 0]);
      const fisher = { a: tf.tensor1d([4, 2]), b: tf.tensor1d([1]) };
      const mixedUp = importanceOf(fisher, { a: tf.tensor1d([0, 3]), b: tf.tensor1d([6]) });
      await expectClose(tf.concat([mixedUp['a']!, mixedUp['b']!]), [1, 1, 1.25]);
      const alone = importanceOf(fisher, { a: tf.zeros([2]), b: tf.zeros([1]) });
      await expectClose(tf.concat([alone['a']!, alone['b']!]), [1, 0.5, 0.25]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = rwalk({ lambda: 0.5, deltaT: 2, epsilon: 1e-3 });
      const optimizer = guard.tracked(sgd({ learningRate: 0.5 }));
      for (let step = 0; step < 5; step++) stepOf(model, crossEntropy(), optimizer, mixed());
      guard.consolidate(model);
      shifted(model, 0.3);
      await expectGradient(guard, model, somewhere());
      for (const each of [guard, optimizer]) each.dispose();
    }),
  );

  test.each([true, false])("two tasks of SGD equal PyTorch, with the embedding's gradient by rows: %s", (byRows) =>
    scoped(async () => {
      const { lambda, alpha, epsilon, deltaT, rate, steps, ...want } = projections.rwalk;
      const model = toy();
      move(model, tasks[0]!.weights);
      const guard = rwalk({ lambda, alpha, epsilon, deltaT });
      for (const { texts, labels } of tasks.slice(0, 2)) {
        const optimizer = guard.tracked(sgd({ learningRate: rate }));
        const batch = toyBatch(texts, labels, { byRows });
        for (let step = 0; step < steps; step++) stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
        guard.consolidate(model);
        optimizer.dispose();
      }
      const state = guard.state();
      for (const name in want.weights) {
        await expectClose(state[`anchor.${name}`]!, want.weights[name]!, { absolute: 1e-5 });
        await expectClose(state[`importance.${name}`]!, want.importance[name]!, { absolute: 1e-5, relative: 1e-4 });
        await expectClose(state[`fisher.${name}`]!, want.fisher[name]!, { absolute: 1e-5, relative: 1e-4 });
        await expectClose(state[`score.${name}`]!, want.score[name]!, { absolute: 1e-4, relative: 1e-4 });
      }
      expect(Object.keys(state)).toHaveLength(5 * 5 + 1); // Of five held weights F, start, score, importance and anchor; and the steps.
      guard.dispose();
    })(),
  );

  describe('limits', () => {
    test(
      'before any task, and with λ = 0, it is training without it, bit for bit; a tracked optimizer makes the same steps',
      scoped(() => expectOnlyTracks(rwalk({ lambda: 0, deltaT: 2 }), rwalk())),
    );

    test(
      'a task shorter than deltaT leaves its Fisher alone; with α = 1 that is the last step’s squared gradient',
      scoped(async () => {
        const model = toy();
        const guard = rwalk({ alpha: 1, deltaT: 4 });
        const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
        for (let step = 0; step < 2; step++) stepOf(model, crossEntropy(), optimizer, mixed());
        const square = gradientsOf(crossEntropy(), model)(mixed()).grads['dense.weight']!.square();
        stepOf(model, crossEntropy(), optimizer, mixed());
        guard.consolidate(model);
        const state = guard.state();
        await expectSameBits(state['fisher.dense.weight']!, square);
        const fishers = Object.keys(state).filter((key) => key.startsWith('fisher.'));
        const most = Math.max(...(await Promise.all(fishers.map((key) => valuesOf(state[key]!)))).flat());
        await expectClose(state['importance.dense.weight']!, square.div(most));
        for (const each of [guard, optimizer]) each.dispose();
      }),
    );

    test(
      'ten tasks take the memory of one, and importance stays between 0 and 2',
      scoped(async () => {
        const [model, batch] = [toy(), mixed()];
        const guard = rwalk({ deltaT: 2 });
        const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
        const counts = new Set<number>();
        for (let task = 0; task < 10; task++) {
          for (let step = 0; step < 3; step++) stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
          guard.consolidate(model);
          counts.add(tensorCount());
        }
        expect([...counts].slice(1)).toEqual([]);
        const values = await valuesOf(guard.state()['importance.dense.weight']!);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...values)).toBeLessThanOrEqual(2);
        for (const each of [guard, optimizer]) each.dispose();
      }),
    );
  });

  test(
    "a state saved within an interval, with the optimizer's, goes on to the same bits; half of one is refused and changes nothing",
    scoped(async () => {
      const options = { lambda: 2, deltaT: 3 };
      const [model, copy] = [toy(), toy()];
      const [guard, again] = [rwalk(options), rwalk(options)];
      const [optimizer, resumed] = [guard, again].map((each) => each.tracked(adamW({ learningRate: 0.05 }))) as [
        Updater,
        Updater,
      ];
      for (let step = 0; step < 4; step++) stepOf(model, sum(crossEntropy(), guard), optimizer, mixed());
      guard.consolidate(model);
      for (let step = 0; step < 2; step++) stepOf(model, sum(crossEntropy(), guard), optimizer, mixed());
      await resumed.restore(await optimizer.state());
      for (const name of model.trainable) copy.weights[name]!.assign(model.weights[name]!);
      for (let step = 0; step < 2; step++) {
        stepOf(model, sum(crossEntropy(), guard), optimizer, mixed());
        stepOf(copy, sum(crossEntropy(), again), resumed, mixed());
      }
      for (const name of model.trainable) await expectSameBits(copy.weights[name]!, model.weights[name]!);
      expect(Object.keys(again.state()).sort()).toEqual(Object.keys(guard.state()).sort());
      for (const [name, tensor] of Object.entries(guard.state())) await expectSameBits(again.state()[name]!, tensor);

      const before = again.state();
      const { 'anchor.dense.bias': _gone, ...half } = guard.state();
      await expect(again.restore(half)).rejects.toThrow("rwalk: the state lacks 'anchor.dense.bias'");
      const { steps: _uncounted, ...uncounted } = guard.state();
      await expect(again.restore(uncounted)).rejects.toThrow("rwalk: the state lacks 'steps'");
      expect(again.state()).toEqual(before);
      for (const each of [guard, again, optimizer, resumed]) each.dispose();
    }),
  );

  test(
    'a step on another model than the state is of is refused before it is made',
    scoped(() => expectRefusesOtherModel(rwalk({ lambda: 2 }))),
  );

  test(
    'holds no head; leaves no tensor; bad arguments, no tracked step and a use after dispose are refused',
    scoped(async () => {
      const [model, batch] = [toy(), mixed()];
      await expectNoLeak(async () => {
        const guard = rwalk({ deltaT: 1 });
        const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
        for (let task = 0; task < 2; task++) {
          stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
          guard.consolidate(model);
        }
        await guard.restore(guard.state());
        expect(Object.keys(guard.state()).filter((name) => name.includes('classifier.'))).toEqual([]);
        optimizer.dispose();
        guard.dispose();
      });
      expect(() => rwalk({ lambda: -1 })).toThrow('rwalk: lambda must be a number ≥ 0, got -1');
      expect(() => rwalk({ alpha: 2 })).toThrow('rwalk: alpha must be a number from 0 to 1, got 2');
      expect(() => rwalk({ deltaT: 0 })).toThrow('rwalk: deltaT must be a whole number ≥ 1, got 0');
      expect(() => rwalk({ epsilon: 0 })).toThrow('rwalk: epsilon must be a number above 0, got 0');
      const guard = rwalk();
      expect(() => guard.consolidate(model)).toThrow('rwalk: no step of this task was tracked');
      expect(await valueOf(gradientsOf(guard, model)(somewhere()).loss)).toBe(0);
      guard.dispose();
      expect(() => gradientsOf(guard, model)(somewhere())).toThrow('rwalk: used after dispose');
    }),
  );
});
