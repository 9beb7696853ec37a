import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import type { Batch } from '../../src/core/types';
import { mas } from '../../src/ewc/mas';
import { absoluteGradients } from '../../src/ewc/perExample';
import { expectClose, expectEach, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
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
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('mas', () => {
  test(
    'by hand: f = w x, so Ω = mean |2 w x²| = (4 + 16) / 2 = 10 at w = −2; at −1 it is 3 · 10 · 1², gradient 60',
    scoped(async () => {
      const model = oneWeight(-2);
      const guard = mas({ lambda: 3 });
      const measured = await guard.consolidate(model, [toyBatch([[1], [2]], [0, 0])]);
      expect(measured).toEqual({ examples: 2, total: 10, largest: 10 });
      model.set(-1);
      const { loss, grads } = gradientsOf(guard, model)(somewhere());
      await expectClose(loss, [30]);
      await expectClose(grads['w']!, [60]);
      guard.dispose();
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = mas({ lambda: 0.3 });
      await guard.consolidate(model, dataOf(tasks[0]!));
      shifted(model, 0.2);
      await expectGradient(guard, model, somewhere());
      guard.dispose();
    }),
  );

  test(
    'three tasks equal PyTorch with batches of one',
    scoped(async () => {
      const model = toy();
      const guard = mas({ lambda: fixture.lambda, alpha: fixture.mas.alpha });
      for (const task of tasks) {
        move(model, task.weights);
        await guard.consolidate(model, dataOf(task));
      }
      move(model, here);
      await expectPenalty(guard, model, fixture.mas);
      guard.dispose();
    }),
  );

  test.each([2 ** 24, 1])('absolute gradients of every weight equal PyTorch, with products of at most %i numbers', (limit) =>
    scoped(async () => {
      const model = toy();
      const [task] = tasks;
      move(model, task!.weights);
      const [batch] = dataOf(task!);
      const got = absoluteGradients(({ logits }) => tf.sum<tf.Scalar>(tf.square(logits)), model, batch!, { limit });
      expect(Object.keys(got).sort()).toEqual(Object.keys(fixture.mas.absolute).sort());
      for (const [name, want] of Object.entries(fixture.mas.absolute)) {
        await expectClose(got[name]!.div(task!.texts.length), want, { absolute: 1e-5, relative: 1e-4 });
      }
    })(),
  );

  test(
    'reads no labels; classes that take no part do not count; samples ends in the middle of a batch',
    scoped(async () => {
      const model = toy();
      const [guard, other] = [mas({ lambda: 1, weights: () => true }), mas({ lambda: 1, weights: () => true })];
      const { labels: _unread, ...batch } = toyBatch(
        [
          [1, 2],
          [3, 4],
        ],
        [0, 0],
      );
      const own: Batch & { classes: tf.Tensor2D } = {
        ...batch,
        classes: tf.tensor2d([
          [1, 1, 0],
          [1, 1, 0],
        ]),
      };
      expect(await guard.consolidate(model, [own], { samples: 1 })).toMatchObject({ examples: 1 });
      await expectClose(guard.state()['importance.classifier.1.weight']!, Array<number>(6).fill(0));
      expect(await valueOf(guard.state()['importance.classifier.0.weight']!)).toBeGreaterThan(0);
      await other.consolidate(model, [{ ...toyBatch([[1, 2]], [1]), classes: tf.tensor2d([[1, 1, 0]]) }]);
      await expectEach(guard.state(), other.state());
      for (const each of [guard, other]) each.dispose();
    }),
  );

  test(
    'limits: before any task, and with λ = 0, training without it, bit for bit',
    scoped(async () => {
      const model = toy();
      const [fresh, free] = [mas({ lambda: 5 }), mas({ lambda: 0 })];
      await free.consolidate(model, dataOf(tasks[0]!));
      shifted(model, 0.3);
      for (const guard of [fresh, free]) await expectNothing(guard, model);
      free.dispose();
    }),
  );

  test(
    'limits: fifty consolidations of one task take the memory of one and give its importance',
    scoped(async () => {
      const [model, data, guard] = [toy(), dataOf(tasks[0]!), mas({ lambda: 1 })];
      await guard.consolidate(model, data);
      const before = tf.memory();
      const first = await guard.state()['importance.dense.weight']!.data();
      for (let task = 1; task < 50; task++) await guard.consolidate(model, data);
      expect(tf.memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
      await expectClose(guard.state()['importance.dense.weight']!, first, { relative: 1e-5 });
      guard.dispose();
    }),
  );

  test(
    'a state is a copy; nothing leaks; bad arguments, no data and a use after dispose are refused',
    scoped(async () => {
      const [model, data] = [toy(), dataOf(tasks[0]!)];
      const [guard, again] = [mas({ lambda: 2 }), mas({ lambda: 2 })];
      await guard.consolidate(model, data);
      await expectStateRoundTrip(guard, again);
      const before = guard.state();
      await expect(guard.consolidate(model, [])).rejects.toThrow('mas: the data gave no example');
      expect(guard.state()).toEqual(before);
      for (const each of [guard, again]) each.dispose();
      await expectNoLeak(async () => {
        const brief = mas({ lambda: 1 });
        for (let task = 0; task < 2; task++) await brief.consolidate(model, data);
        brief.dispose();
      });
      expect(() => mas({ lambda: -1 })).toThrow('mas: lambda must be a number ≥ 0, got -1');
      expect(() => mas({ lambda: 1, alpha: 2 })).toThrow('mas: alpha must be a number from 0 to 1, got 2');
      expect(() => gradientsOf(guard, model)(somewhere())).toThrow('mas: used after dispose');
    }),
  );
});
