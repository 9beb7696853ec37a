import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { ewc } from '../../src/ewc/ewc';
import { empiricalFisher, exactFisher } from '../../src/ewc/fisher';
import { normalised } from '../../src/ewc/normalised';
import { onlineEwc } from '../../src/ewc/onlineEwc';
import { expectClose, valueOf, valuesOf, valuesOfEach } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { dataOf, oneWeight, shifted, somewhere, tasks } from '../support/penalties';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const given = (diagonal: Record<string, tf.Tensor>) => async () => ({
  kind: 'empirical' as const,
  ...{ examples: 3, total: 6, largest: 4, diagonal },
});

describe('normalised', () => {
  test(
    'by hand: 2, 4 and 0 have the mean 3 above 0, and become ⅔, ⁴⁄₃ and 0',
    scoped(async () => {
      const measure = normalised(given({ v: tf.tensor1d([2, 0]), w: tf.tensor2d([[4]]) }));
      const { diagonal, ...measured } = await measure(oneWeight(1), [], {});
      await expectClose(diagonal['v']!, [2 / 3, 0]);
      await expectClose(diagonal['w']!, [4 / 3]);
      expect(measured).toMatchObject({ kind: 'empirical', examples: 3, total: 2 });
      expect(measured.largest).toBeCloseTo(4 / 3, 12);
      expect(measured.scale).toBeCloseTo(1 / 3, 12);
    }),
  );

  test(
    'the mean above 0 is 1, whatever the loss is multiplied with; only the held weights count',
    scoped(async () => {
      const model = toy();
      const weights = (name: string) => name.startsWith('dense.');
      const once = await normalised()(model, dataOf(tasks[0]!), { weights });
      const thousand = await normalised(async (...args) => {
        const { diagonal, total, largest, ...rest } = await empiricalFisher(...args);
        const times = Object.fromEntries(Object.entries(diagonal).map(([name, value]) => [name, value.mul(1000)]));
        return { ...rest, diagonal: times, total: 1000 * total, largest: 1000 * largest };
      })(model, dataOf(tasks[0]!), { weights });
      const all = await valuesOfEach(once.diagonal);
      const above = all.flat().filter((value) => value > 0);
      expect(above.reduce((sum, value) => sum + value, 0) / above.length).toBeCloseTo(1, 5);
      expect(Object.keys(once.diagonal).sort()).toEqual(['dense.bias', 'dense.weight']);
      expect(thousand.scale! * 1000).toBeCloseTo(once.scale!, 5);
      for (const name in once.diagonal) await expectClose(thousand.diagonal[name]!, once.diagonal[name]!, { relative: 1e-5 });
    }),
  );

  test(
    'in ewc and onlineEwc the penalty is the plain one times the scale that consolidate gives',
    scoped(async () => {
      for (const make of [ewc, (options: Parameters<typeof ewc>[0]) => onlineEwc({ gamma: 0.9, ...options })]) {
        const model = toy();
        const [plain, scaled] = [make({ lambda: 2, fisher: exactFisher }), make({ lambda: 2, fisher: normalised(exactFisher) })];
        const raw = await plain.consolidate(model, dataOf(tasks[0]!));
        const { scale, total, largest, kind } = await scaled.consolidate(model, dataOf(tasks[0]!));
        expect([kind, raw.scale]).toEqual(['exact', undefined]);
        expect(total / scale!).toBeCloseTo(raw.total, 5);
        expect(largest / scale!).toBeCloseTo(raw.largest, 6);
        shifted(model, 0.3);
        const [want, got] = [plain, scaled].map((term) => gradientsOf(term, model)(somewhere()).loss);
        await expectClose(got!, [scale! * (await valueOf(want!))], { relative: 1e-4 });
        for (const term of [plain, scaled]) term.dispose();
      }
    }),
  );

  describe('limits', () => {
    test(
      'zeros stay zeros',
      scoped(async () => {
        // One class only: its probability is 1 whatever the weights are.
        const { diagonal, total, scale } = await normalised()(oneWeight(1), [toyBatch([[2]], [0])], {});
        expect([total, scale, await valuesOf(diagonal['w']!)]).toEqual([0, 1, [0]]);
      }),
    );
  });

  test(
    'leaves only the diagonal, also if the measure fails',
    scoped(async () => {
      const [model, data] = [toy(), dataOf(tasks[0]!)];
      await expectNoLeak(async () => {
        tf.dispose((await normalised()(model, data, {})).diagonal);
        await expect(normalised()(model, [], {})).rejects.toMatchObject({ code: 'bad-data' });
      });
    }),
  );
});
