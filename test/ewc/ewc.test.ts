import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import type { Model } from '../../src/core/types';
import { ewc } from '../../src/ewc/ewc';
import { exactFisher } from '../../src/ewc/fisher';
import { quadratic } from '../../src/ewc/quadratic';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Fixture {
  readonly lambda: number;
  readonly here: Record<string, number[]>;
  readonly tasks: readonly {
    readonly texts: number[][];
    readonly labels: number[];
    readonly weights: Record<string, number[]>;
  }[];
  readonly penalties: readonly number[];
  readonly gradient: Record<string, number[]>;
}
const fixture = JSON.parse(readFileSync(new URL('../fixtures/ewc.json', import.meta.url), 'utf8')) as Fixture;

function move(model: Model, weights: Record<string, number[]>): void {
  for (const name in weights) model.weights[name]!.assign(tf.tensor(weights[name]!, model.weights[name]!.shape));
}
const dataOf = ({ texts, labels }: Fixture['tasks'][number]) => [toyBatch(texts, labels)];
const somewhere = () => toyBatch([[1, 2, 3]], [0]);
const shifted = (model: Model, by: number) => {
  for (const name of model.trainable) model.weights[name]!.assign(model.weights[name]!.add(by));
};

describe('ewc', () => {
  test(
    'by hand: ½ (2 · (3 − 1)² + 4 · (1 − 2)²) = 6, gradient (4, −4)',
    scoped(async () => {
      const [mean, importance] = [tf.tensor1d([1, 2]), tf.tensor1d([2, 4])];
      const { value, grad } = tf.valueAndGrad((w) => quadratic(w, mean, importance))(tf.tensor1d([3, 1]));
      await expectClose(value, [6]);
      await expectClose(grad, [4, -4]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: 3 });
      await guard.consolidate(model, dataOf(fixture.tasks[0]!));
      shifted(model, 0.3);
      await expectGradient(guard, model, somewhere());
      await expectGradient(
        sum(crossEntropy(), guard),
        model,
        toyBatch(
          [
            [1, 2, 3],
            [4, 5],
          ],
          [0, 2],
          { byRows: true },
        ),
      );
      guard.dispose();
    }),
  );

  test(
    'one task: λ/2 F (w − w*)², and 0 with no gradient at w*; equals PyTorch',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: fixture.lambda });
      const [task] = fixture.tasks;
      move(model, task!.weights);
      await guard.consolidate(model, dataOf(task!));
      expect(await valueOf(gradientsOf(guard, model)(somewhere()).loss)).toBe(0);
      move(model, fixture.here);
      expect(await valueOf(gradientsOf(guard, model)(somewhere()).loss)).toBeCloseTo(fixture.penalties[0]!, 4);
      guard.dispose();
    }),
  );

  test(
    'three tasks: the gradient of three anchors in PyTorch, their values up to one constant, in constant memory',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: fixture.lambda });
      const counts: number[] = [];
      for (const task of fixture.tasks) {
        move(model, task.weights);
        const data = dataOf(task);
        const before = tensorCount();
        await guard.consolidate(model, data);
        counts.push(tensorCount() - before);
      }
      expect(counts).toEqual([10, 0, 0]); // Two tensors for each of five held weights.

      move(model, fixture.here);
      const { grads, loss } = gradientsOf(guard, model)(somewhere());
      expect(Object.keys(grads).sort()).toEqual(Object.keys(fixture.gradient).sort());
      for (const name in grads) await expectClose(grads[name]!, fixture.gradient[name]!, { absolute: 1e-4, relative: 1e-4 });

      // Σ anchors − common quadratic is the same number everywhere: at w, and at the third task's optimum.
      const anchors = async () => {
        let all = 0;
        for (const task of fixture.tasks) {
          const alone = ewc({ lambda: fixture.lambda });
          const there = toy();
          move(there, task.weights);
          await alone.consolidate(there, dataOf(task));
          all += await valueOf(gradientsOf(alone, model)(somewhere()).loss);
          alone.dispose();
        }
        return all;
      };
      const constant = (await anchors()) - (await valueOf(loss));
      expect(await anchors()).toBeCloseTo(
        fixture.penalties.reduce((a, b) => a + b, 0),
        3,
      );
      move(model, fixture.tasks[2]!.weights);
      expect((await anchors()) - (await valueOf(gradientsOf(guard, model)(somewhere()).loss))).toBeCloseTo(constant, 3);
      guard.dispose();
    }),
  );

  test(
    'reports its value by name, reads the weights of the pass, holds no head',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: 2 });
      await guard.consolidate(model, dataOf(fixture.tasks[0]!));
      const moved = { ...model.weights, 'dense.bias': model.weights['dense.bias']!.add(1) };
      const { loss, reports, grads } = gradientsOf(guard, model)(somewhere(), moved);
      expect(await valueOf(loss)).toBeGreaterThan(0);
      await expectSameBits(reports['ewc']!, loss);
      expect(Object.keys(grads).filter((name) => name.startsWith('classifier.'))).toEqual([]);
      expect(Object.keys(guard.state()).filter((name) => name.includes('classifier.'))).toEqual([]);
      guard.dispose();
    }),
  );

  describe('limits', () => {
    test(
      'before any task, and with λ = 0, it is 0 and the gradient is that of the other terms, bit for bit',
      scoped(async () => {
        const model = toy();
        const batch = toyBatch(
          [
            [1, 2, 3],
            [4, 5],
          ],
          [0, 2],
          { byRows: true },
        );
        const [fresh, free] = [ewc({ lambda: 5 }), ewc({ lambda: 0 })];
        await free.consolidate(model, dataOf(fixture.tasks[0]!));
        shifted(model, 0.3);
        const want = gradientsOf(crossEntropy(), model)(batch);
        for (const guard of [fresh, free]) {
          expect(await valueOf(gradientsOf(guard, model)(batch).loss)).toBe(0);
          const got = gradientsOf(sum(crossEntropy(), guard), model)(batch);
          expect(got.rows).toEqual(want.rows);
          for (const name in want.grads) await expectSameBits(got.grads[name]!, want.grads[name]!);
        }
        free.dispose();
      }),
    );

    test(
      'a weight that is new after the first task is free until it is consolidated',
      scoped(async () => {
        const model = toy();
        const guard = ewc({ lambda: 1, weights: () => true });
        await guard.consolidate({ ...model, trainable: ['dense.bias'] }, dataOf(fixture.tasks[0]!));
        expect(Object.keys(guard.state()).sort()).toEqual(['fisher.dense.bias', 'mean.dense.bias']);
        await guard.consolidate({ ...model, trainable: ['dense.weight'] }, dataOf(fixture.tasks[0]!));
        expect(Object.keys(guard.state())).toHaveLength(4);
        guard.dispose();
      }),
    );

    test(
      'the Fisher can be another one',
      scoped(async () => {
        const guard = ewc({ lambda: 1, fisher: exactFisher });
        expect(await guard.consolidate(toy(), dataOf(fixture.tasks[0]!))).toMatchObject({ kind: 'exact', examples: 3 });
        guard.dispose();
      }),
    );
  });

  test(
    'a state saved and restored goes on to the same bits; it is a copy',
    scoped(async () => {
      const model = toy();
      const [first, second] = fixture.tasks;
      const guard = ewc({ lambda: 1 });
      await guard.consolidate(model, dataOf(first!));
      const saved = Object.fromEntries(
        await Promise.all(Object.entries(guard.state()).map(async ([name, t]) => [name, await valuesOf(t)] as const)),
      );
      const again = ewc({ lambda: 1 });
      again.restore(
        Object.fromEntries(Object.entries(guard.state()).map(([name, t]) => [name, tf.tensor(saved[name]!, t.shape)])),
      );
      shifted(model, 0.1);
      for (const each of [guard, again]) await each.consolidate(model, dataOf(second!));
      for (const [name, tensor] of Object.entries(guard.state())) await expectSameBits(again.state()[name]!, tensor);
      const kept = guard.state();
      again.restore(kept);
      guard.dispose();
      expect(await valueOf(again.state()['mean.dense.bias']!)).not.toBeNaN();
      again.dispose();
    }),
  );

  test(
    'consolidating again after the weights moved does not move the old anchor',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: 1 });
      const before = await valuesOf(model.weights['dense.bias']!);
      await guard.consolidate(model, dataOf(fixture.tasks[0]!));
      shifted(model, 1);
      await expectClose(guard.state()['mean.dense.bias']!, before, { absolute: 0 });
      guard.dispose();
    }),
  );

  test(
    'a failure leaves the old state, and no tensor',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: 1 });
      await guard.consolidate(model, dataOf(fixture.tasks[0]!));
      const before = guard.state();
      await expectNoLeak(async () => {
        await expect(guard.consolidate(model, [])).rejects.toMatchObject({ code: 'bad-data' });
        const { 'mean.dense.bias': _gone, ...half } = before;
        expect(() => guard.restore(half)).toThrow("the state of 'dense.bias' lacks 'mean.dense.bias'");
        expect(() => guard.restore({ ...before, 'mean.dense.bias': before['fisher.dense.weight']! })).toThrow(
          "the state of 'dense.bias'",
        );
      });
      expect(guard.state()).toEqual(before);
      guard.dispose();
    }),
  );

  test(
    'what is restored inside a tidy stays',
    scoped(async () => {
      const model = toy();
      const guard = ewc({ lambda: 1 });
      await guard.consolidate(model, dataOf(fixture.tasks[0]!));
      const again = ewc({ lambda: 1 });
      tf.tidy(() => again.restore(guard.state()));
      for (const [name, tensor] of Object.entries(guard.state())) await expectSameBits(again.state()[name]!, tensor);
      guard.dispose();
      again.dispose();
    }),
  );

  test(
    'no tensor is left by a life of two tasks',
    scoped(async () => {
      const model = toy();
      const data = fixture.tasks.map(dataOf);
      await expectNoLeak(async () => {
        const guard = ewc({ lambda: 1 });
        for (const some of data) await guard.consolidate(model, some);
        guard.restore(guard.state());
        guard.dispose();
      });
    }),
  );

  test(
    'bad arguments, another model and a use after dispose are refused',
    scoped(async () => {
      expect(() => ewc({ lambda: -1 })).toThrow('ewc: lambda must be a number ≥ 0, got -1');
      expect(() => ewc({ lambda: NaN })).toThrow('got NaN');
      const guard = ewc({ lambda: 1 });
      await guard.consolidate(toy(), dataOf(fixture.tasks[0]!));
      const other = toy({ vocabulary: 12 });
      expect(() => gradientsOf(guard, other)(somewhere())).toThrow(
        "'embeddings.word_embeddings.weight' of shape [11, 6] has shape [12, 6]",
      );
      guard.dispose();
      expect(() => gradientsOf(guard, other)(somewhere())).toThrow('used after dispose');
    }),
  );
});
