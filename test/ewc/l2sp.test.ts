import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { l2sp } from '../../src/ewc/l2sp';
import { expectClose, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import {
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

describe('l2sp', () => {
  test(
    'by hand: 3/2 (3 − 1)² = 6, gradient 6',
    scoped(async () => {
      const model = oneWeight(1);
      const guard = l2sp({ lambda: 3 });
      guard.consolidate(model);
      model.set(3);
      const { loss, grads } = gradientsOf(guard, model)(somewhere());
      await expectClose(loss, [6]);
      await expectClose(grads['w']!, [6]);
      guard.dispose();
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = toy();
      const guard = l2sp({ lambda: 0.5 });
      guard.consolidate(model);
      shifted(model, 0.3);
      await expectGradient(guard, model, somewhere());
      guard.dispose();
    }),
  );

  test(
    'anchored at the last task it equals PyTorch, and holds no head',
    scoped(async () => {
      const model = toy();
      const guard = l2sp({ lambda: fixture.lambda });
      for (const { weights } of tasks) {
        move(model, weights);
        guard.consolidate(model);
      }
      expect(Object.keys(guard.state()).filter((name) => name.includes('classifier.'))).toEqual([]);
      move(model, here);
      await expectPenalty(guard, model, fixture.l2sp);
      guard.dispose();
    }),
  );

  test(
    'limits: before any call, and with λ = 0, training without it, bit for bit; fifty calls take the memory of one',
    scoped(async () => {
      const model = toy();
      const [fresh, free, held] = [l2sp({ lambda: 5 }), l2sp({ lambda: 0 }), l2sp({ lambda: 5 })];
      free.consolidate(model);
      shifted(model, 0.3);
      for (const guard of [fresh, free]) await expectNothing(guard, model);
      const before = tensorCount();
      for (let task = 0; task < 50; task++) held.consolidate(model);
      expect(tensorCount() - before).toBe(5);
      expect(await valueOf(gradientsOf(held, model)(somewhere()).loss)).toBe(0);
      for (const guard of [free, held]) guard.dispose();
    }),
  );

  test(
    'a state is a copy; nothing leaks; bad arguments and a use after dispose are refused',
    scoped(async () => {
      const model = toy();
      const [guard, again] = [l2sp({ lambda: 2 }), l2sp({ lambda: 2 })];
      guard.consolidate(model);
      await expectStateRoundTrip(guard, again);
      for (const each of [guard, again]) each.dispose();
      await expectNoLeak(() => {
        const brief = l2sp({ lambda: 1 });
        brief.consolidate(model);
        brief.restore(brief.state());
        brief.dispose();
      });
      expect(() => l2sp({ lambda: NaN })).toThrow('l2sp: lambda must be a number ≥ 0, got NaN');
      expect(() => guard.consolidate(model)).toThrow('l2sp: used after dispose');
    }),
  );
});
