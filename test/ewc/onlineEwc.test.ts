import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { ewc } from '../../src/ewc/ewc';
import { onlineEwc } from '../../src/ewc/onlineEwc';
import { expectClose, expectSameBits, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import {
  dataOf,
  expectNothing,
  expectPenalty,
  expectStateRoundTrip,
  fixture,
  here,
  move,
  oneWeight,
  shifted,
  somewhere,
  tasks,
} from '../support/penalties';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('onlineEwc', () => {
  test(
    'by hand: F = ½ · 2 + 4 = 5, anchor 3: at 4 it is 2/2 · 5 · 1² = 5, gradient 10',
    scoped(async () => {
      const model = oneWeight(1);
      let next = 2;
      const fisher = async () => ({
        kind: 'empirical' as const,
        ...{ examples: 1, total: next, largest: next, diagonal: { w: tf.tensor2d([[next]]) } },
      });
      const guard = onlineEwc({ lambda: 2, gamma: 0.5, fisher });
      await guard.consolidate(model, []);
      [next] = [4];
      model.set(3);
      await guard.consolidate(model, []);
      model.set(4);
      const { loss, grads, reports } = gradientsOf(guard, model)(somewhere());
      await expectClose(loss, [5]);
      await expectSameBits(reports['onlineEwc']!, loss);
      await expectClose(grads['w']!, [10]);
      guard.dispose();
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = onlineEwc({ lambda: 3, gamma: 0.5 });
      await guard.consolidate(model, dataOf(tasks[0]!));
      shifted(model, 0.3);
      await expectGradient(guard, model, somewhere());
      guard.dispose();
    }),
  );

  test(
    'three tasks equal PyTorch, in the memory of one',
    scoped(async () => {
      const model = toy();
      const guard = onlineEwc({ lambda: fixture.lambda, gamma: fixture.onlineEwc.gamma });
      const counts: number[] = [];
      for (const task of tasks) {
        move(model, task.weights);
        const data = dataOf(task);
        const before = tensorCount();
        await guard.consolidate(model, data);
        counts.push(tensorCount() - before);
      }
      expect(counts).toEqual([10, 0, 0]); // Two tensors for each of five held weights.
      move(model, here);
      await expectPenalty(guard, model, fixture.onlineEwc);
      guard.dispose();
    }),
  );

  describe('limits', () => {
    test(
      'before any task, and with λ = 0, it is training without it, bit for bit',
      scoped(async () => {
        const model = toy();
        const [fresh, free] = [onlineEwc({ lambda: 5, gamma: 1 }), onlineEwc({ lambda: 0, gamma: 1 })];
        await free.consolidate(model, dataOf(tasks[0]!));
        shifted(model, 0.3);
        for (const guard of [fresh, free]) await expectNothing(guard, model);
        free.dispose();
      }),
    );

    test(
      'with one task it is ewc; γ = 0 knows the last task only',
      scoped(async () => {
        const model = toy();
        const [one, last, plain] = [onlineEwc({ lambda: 2, gamma: 0.5 }), onlineEwc({ lambda: 2, gamma: 0 }), ewc({ lambda: 2 })];
        move(model, tasks[0]!.weights);
        await last.consolidate(model, dataOf(tasks[0]!));
        move(model, tasks[1]!.weights);
        for (const guard of [one, last, plain]) await guard.consolidate(model, dataOf(tasks[1]!));
        move(model, here);
        const want = gradientsOf(plain, model)(somewhere());
        for (const guard of [one, last]) {
          const got = gradientsOf(guard, model)(somewhere());
          await expectSameBits(got.loss, want.loss);
          for (const name in want.grads) await expectSameBits(got.grads[name]!, want.grads[name]!);
        }
        for (const guard of [one, last, plain]) guard.dispose();
      }),
    );

    test(
      'fifty consolidations take the memory of one, and the penalty at the anchor is 0',
      scoped(async () => {
        const model = toy();
        const guard = onlineEwc({ lambda: 1, gamma: 0.9 });
        const data = dataOf(tasks[0]!);
        await guard.consolidate(model, data);
        const before = tf.memory();
        for (let task = 1; task < 50; task++) await guard.consolidate(model, data);
        expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
        expect(await valueOf(gradientsOf(guard, model)(somewhere()).loss)).toBe(0);
        guard.dispose();
      }),
    );
  });

  test(
    'a state is a copy and goes on the same; half of one is refused and changes nothing',
    scoped(async () => {
      const [guard, again] = [onlineEwc({ lambda: 2, gamma: 0.5 }), onlineEwc({ lambda: 2, gamma: 0.5 })];
      await guard.consolidate(toy(), dataOf(tasks[0]!));
      await expectStateRoundTrip(guard, again);
      const before = again.state();
      const { 'anchor.dense.bias': _gone, ...half } = before;
      expect(() => again.restore(half)).toThrow("onlineEwc: the state of 'dense.bias' lacks 'anchor.dense.bias'");
      expect(() => again.restore({ ...before, 'anchor.dense.bias': before['fisher.dense.weight']! })).toThrow(
        "the state of 'dense.bias' does not fit together: [6] and [6, 6]",
      );
      await expect(again.consolidate(toy(), [])).rejects.toMatchObject({ code: 'bad-data' });
      expect(again.state()).toEqual(before);
      for (const each of [guard, again]) each.dispose();
    }),
  );

  test(
    'leaves no tensor; bad arguments, another model and a use after dispose are refused',
    scoped(async () => {
      const [model, data] = [toy(), dataOf(tasks[0]!)];
      await expectNoLeak(async () => {
        const guard = onlineEwc({ lambda: 1, gamma: 1 });
        for (let task = 0; task < 2; task++) await guard.consolidate(model, data);
        guard.restore(guard.state());
        guard.dispose();
      });
      expect(() => onlineEwc({ lambda: -1, gamma: 1 })).toThrow('onlineEwc: lambda must be a number ≥ 0, got -1');
      expect(() => onlineEwc({ lambda: 1, gamma: 1.1 })).toThrow('gamma must be a number from 0 to 1, got 1.1');
      const guard = onlineEwc({ lambda: 1, gamma: 1 });
      await guard.consolidate(model, data);
      expect(() => gradientsOf(guard, toy({ vocabulary: 12 }))(somewhere())).toThrow('of shape [11, 6] has shape [12, 6]');
      guard.dispose();
      expect(() => gradientsOf(guard, model)(somewhere())).toThrow('onlineEwc: used after dispose');
    }),
  );
});
