import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import { prefixed } from '../../src/core/prefixed';
import { si } from '../../src/ewc/si';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { adamW } from '../../src/training/adamW';
import { sgd } from '../../src/training/sgd';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import {
  expectOnlyTracks,
  expectRefusesOtherModel,
  expectStateRoundTrip,
  fixture,
  mixed,
  move,
  oneWeight,
  shifted,
  somewhere,
  stepOf,
  tasks,
} from '../support/penalties';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('si', () => {
  test(
    'by hand: g = 2 and Δw = −½ give ω = 1, Ω = 1 / (¼ + ¾) = 1; at distance 1 it is 3 · 1 · 1², gradient 6',
    scoped(async () => {
      const model = oneWeight(1);
      const guard = si({ lambda: 3, xi: 0.75 });
      const optimizer = guard.tracked(sgd({ learningRate: 0.25 }));
      optimizer.apply(model.weights, { w: tf.tensor2d([[2]]) });
      await expectClose(guard.state()['path.w']!, [1]);
      guard.consolidate(model);
      model.set(1.5);
      const { loss, grads } = gradientsOf(guard, model)(somewhere());
      await expectClose(loss, [3]);
      await expectClose(grads['w']!, [6]);

      // The gradient 8 contains the penalty's 6, so the way of −2 is worth 2 · 2; a step uphill then counts against it.
      optimizer.apply(model.weights, { w: tf.tensor2d([[8]]) });
      await expectClose(guard.state()['path.w']!, [4]);
      for (const each of [guard, optimizer]) each.dispose();
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = si({ lambda: 1 });
      const optimizer = guard.tracked(sgd({ learningRate: 0.5 }));
      for (let step = 0; step < 3; step++) stepOf(model, crossEntropy(), optimizer, mixed());
      guard.consolidate(model);
      shifted(model, 0.3);
      await expectGradient(guard, model, somewhere());
      for (const each of [guard, optimizer]) each.dispose();
    }),
  );

  test.each([true, false])("two tasks of SGD equal PyTorch, with the embedding's gradient by rows: %s", (byRows) =>
    scoped(async () => {
      const { lambda, xi, rate, steps, importance, weights } = fixture.si;
      const model = toy();
      move(model, tasks[0]!.weights);
      const guard = si({ lambda, xi });
      for (const { texts, labels } of tasks.slice(0, 2)) {
        const optimizer = guard.tracked(sgd({ learningRate: rate }));
        const batch = toyBatch(texts, labels, { byRows });
        for (let step = 0; step < steps; step++) stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
        guard.consolidate(model);
        optimizer.dispose();
      }
      const state = guard.state();
      for (const name in weights) {
        await expectClose(state[`anchor.${name}`]!, weights[name]!, { absolute: 1e-5, relative: 1e-4 });
        await expectClose(state[`importance.${name}`]!, importance[name]!, { absolute: 1e-5, relative: 1e-3 });
      }
      expect(Object.keys(state)).toHaveLength(10); // Importance and anchor of five held weights; the path is used up.
      guard.dispose();
    })(),
  );

  describe('limits', () => {
    test(
      'before any task, and with λ = 0, it is training without it, bit for bit; a tracked optimizer makes the same steps',
      scoped(() => expectOnlyTracks(si({ lambda: 0 }), si({ lambda: 5 }))),
    );

    test(
      'fifty tasks take the memory of one; importance only grows, from 0',
      scoped(async () => {
        const [model, batch] = [toy(), mixed()];
        const guard = si({ lambda: 0.1 });
        const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
        const counts = new Set<number>();
        let last = 0;
        for (let task = 0; task < 50; task++) {
          stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
          guard.consolidate(model);
          counts.add(tensorCount());
          const [least, total] = [
            Math.min(...(await valuesOf(guard.state()['importance.dense.weight']!))),
            (await valuesOf(guard.state()['importance.dense.weight']!)).reduce((a, b) => a + b, 0),
          ];
          expect(least).toBeGreaterThanOrEqual(0);
          expect(total).toBeGreaterThanOrEqual(last);
          last = total;
        }
        expect(counts.size).toBe(1);
        for (const each of [guard, optimizer]) each.dispose();
      }),
    );
  });

  test(
    "a state saved within a task, alone or with the optimizer's, goes on to the same bits",
    scoped(async () => {
      const model = toy();
      const guard = si({ lambda: 2 });
      const optimizer = guard.tracked(adamW({ learningRate: 0.05 }));
      const objective = sum(crossEntropy(), guard);
      for (let step = 0; step < 3; step++) stepOf(model, objective, optimizer, mixed());
      guard.consolidate(model);
      stepOf(model, objective, optimizer, mixed());

      const [alone, whole] = [si({ lambda: 2 }), si({ lambda: 2 })];
      await expectStateRoundTrip(guard, alone);
      const resumed = whole.tracked(adamW({ learningRate: 0.05 }));
      await resumed.restore(await optimizer.state());
      const copy = toy();
      for (const name of model.trainable) copy.weights[name]!.assign(model.weights[name]!);
      stepOf(model, objective, optimizer, mixed());
      stepOf(copy, sum(crossEntropy(), whole), resumed, mixed());
      for (const name of model.trainable) await expectSameBits(copy.weights[name]!, model.weights[name]!);
      for (const [name, tensor] of Object.entries(guard.state())) await expectSameBits(whole.state()[name]!, tensor);

      const { 'anchor.dense.bias': _gone, ...half } = guard.state();
      expect(() => alone.restore(half)).toThrow("si: the state of 'dense.bias' lacks 'anchor.dense.bias'");
      const [before, fresh] = [Object.keys(await resumed.state()), adamW({ learningRate: 0.05 })];
      const unfit = { ...prefixed('optimizer/', await fresh.state()), ...prefixed('si/', half) };
      await expect(resumed.restore(unfit)).rejects.toThrow("lacks 'anchor.dense.bias'");
      expect(Object.keys(await resumed.state())).toEqual(before); // A fresh optimizer's has no moments.
      for (const each of [guard, alone, whole, optimizer, resumed, fresh]) each.dispose();
    }),
  );

  test(
    'a step on another model than the state is of is refused before it is made',
    scoped(() => expectRefusesOtherModel(si({ lambda: 2 }))),
  );

  test(
    'holds no head; leaves no tensor; bad arguments, no tracked step and a use after dispose are refused',
    scoped(async () => {
      const [model, batch] = [toy(), mixed()];
      await expectNoLeak(() => {
        const guard = si({ lambda: 1 });
        const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
        for (let task = 0; task < 2; task++) {
          stepOf(model, sum(crossEntropy(), guard), optimizer, batch);
          guard.consolidate(model);
        }
        guard.restore(guard.state());
        expect(Object.keys(guard.state()).filter((name) => name.includes('classifier.'))).toEqual([]);
        optimizer.dispose();
        guard.dispose();
      });
      expect(() => si({ lambda: -1 })).toThrow('si: lambda must be a number ≥ 0, got -1');
      expect(() => si({ lambda: 1, xi: 0 })).toThrow('si: xi must be a number above 0, got 0');
      const guard = si({ lambda: 1 });
      expect(() => guard.consolidate(model)).toThrow('si: no step of this task was tracked');
      expect(await valueOf(gradientsOf(guard, model)(somewhere()).loss)).toBe(0);
      guard.dispose();
      expect(() => gradientsOf(guard, model)(somewhere())).toThrow('si: used after dispose');
    }),
  );
});
