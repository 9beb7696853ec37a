import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { sum } from '../../src/core/objective';
import { batches } from '../../src/data/batches';
import { advised, type Advice } from '../../src/ewc/advised';
import { ewc } from '../../src/ewc/ewc';
import { l2sp } from '../../src/ewc/l2sp';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import type { FitEvent, Report } from '../../src/training/events';
import { fit } from '../../src/training/fit';
import { sgd } from '../../src/training/sgd';
import { scoped } from '../support/leaks';
import { toy, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const step = (number: number, loss: number, reports: Record<string, Report>): FitEvent => ({
  ...{ type: 'step', step: number, epoch: 0, loss, gradientNorm: 1, reports, examples: 4, milliseconds: 1 },
});
const epoch = (number: number): FitEvent => ({ type: 'epoch', epoch: 0, step: number, loss: 1, milliseconds: 1 });

/** What is said of these events. */
function adviceOn(events: readonly FitEvent[], options = {}): Advice[] {
  const found: Advice[] = [];
  events.forEach(advised((advice) => found.push(advice), options));
  return found;
}
const steps = (count: number, task: number, penalty: number, reports: Record<string, Report> = {}): FitEvent[] =>
  Array.from({ length: count }, (_, i) => step(i + 1, task + penalty, { ewc: penalty, ...reports }));

describe('advised', () => {
  test('by hand: penalties of 15 beside a task loss of ½ are 30 times it', () => {
    const [advice, ...others] = adviceOn([...steps(30, 0.5, 15), epoch(30)]);
    expect(advice).toMatchObject({ code: 'penalty-dominates', penalty: 'ewc', ratio: 30, step: 20 });
    expect(advice!.message).toBe(
      "ewc: the penalty is 30 times the task's loss (step 20), so that little is learned: lower lambda, to a tenth at first.",
    );
    expect(others).toEqual([]);
  });

  test('at the end of an epoch, not before: 0.0005 beside 1 is a 2000th', () => {
    expect(adviceOn(steps(50, 1, 0.0005))).toEqual([]);
    const [advice] = adviceOn([...steps(50, 1, 0.0005), epoch(50), epoch(50)]);
    expect(advice).toMatchObject({ code: 'penalty-vanishes', step: 50 });
    expect(advice!.ratio).toBeCloseTo(0.0005, 8);
    expect(advice!.message).toContain('raise lambda, to ten times at first');
  });

  test('with two penalties the task loss is what is left of the loss', () => {
    const both = Array.from({ length: 20 }, (_, i) => step(i + 1, 13.5, { ewc: 12, l2sp: 0.5, other: 100 }));
    expect(adviceOn(both)).toMatchObject([{ code: 'penalty-dominates', penalty: 'ewc', ratio: 12 }]);
    const named = Array.from({ length: 3 }, (_, i) => step(i + 1, 101, { mine: 100 }));
    expect(adviceOn(named, { penalties: ['mine'], window: 3 })).toMatchObject([{ penalty: 'mine', ratio: 100, step: 3 }]);
  });

  test('classes that compete without an example; several batches of one step are told apart', () => {
    const half = steps(4, 1, 1, { 'ewc.classes': Float32Array.of(3, 1, 2, 0) });
    const [advice] = adviceOn([...half, epoch(4)]);
    expect(advice).toMatchObject({ code: 'classes-unrehearsed', ratio: 0.5 });
    expect(advice!.message).toContain('ewc: 1 of the 2 classes that compete had no example in epoch 0');
    expect(advice!.message).toContain('replay()');
    // [competes, seen, closed] and [seen, competes, closed]: all that compete have examples.
    const whole = steps(4, 1, 1, { 'ewc.classes': Float32Array.of(3, 1, 2, 0, 3, 2, 1, 0) });
    expect(adviceOn([...whole, epoch(4)])).toEqual([]);
  });

  test('each epoch is judged by itself, also after one whose penalty was 0', () => {
    const classes = (...states: number[]) => ({ 'ewc.classes': Float32Array.of(2, ...states) });
    const free = Array.from({ length: 4 }, (_, i) => step(i + 1, 1, { ewc: 0, ...classes(2, 2) }));
    const held = Array.from({ length: 4 }, (_, i) => step(i + 5, 2, { ewc: 1, ...classes(1, 2) }));
    expect(adviceOn([...free, epoch(4), ...held, epoch(8)])).toMatchObject([
      { code: 'classes-unrehearsed', ratio: 0.5, step: 8 },
    ]);
  });

  describe('limits', () => {
    test('says nothing without a penalty, of one that is 0, and within 1/1000 and 10', () => {
      const without = Array.from({ length: 30 }, (_, i) => step(i + 1, 1, {}));
      for (const events of [without, steps(30, 1, 0), steps(30, 1, 9.9), steps(30, 1, 0.0011), steps(19, 1, 100)])
        expect(adviceOn([...events, epoch(30)])).toEqual([]);
    });

    test('each finding once per run; a new run is a new one', () => {
      const run = [...steps(60, 0.5, 15), epoch(60)];
      expect(adviceOn([...run, ...run]).map(({ code }) => code)).toEqual(['penalty-dominates', 'penalty-dominates']);
      expect(() => advised(() => {}, { window: 0 })).toThrow('advised: window must be a whole number ≥ 1, got 0');
    });
  });

  describe('with fit', () => {
    const rowsOf = (labels: readonly string[]) =>
      Array.from({ length: 4 }, (_, i) => ({ text: `${1 + (i % 9)} ${1 + ((2 * i) % 9)}`, label: labels[i % labels.length]! }));
    const [first, second] = [rowsOf(['x', 'y']), rowsOf(['z', 'w'])];

    async function learned(model: Toy, { together = false, perLabel = 0, lambda = 10, penalty = ewc({ lambda }) } = {}) {
      const found: Advice[] = [];
      const onEvent = advised((advice) => found.push(advice), { window: 3 });
      const memory = replay({ perLabel });
      const [a, b] = [model.head('a'), model.head('b')];
      const classes = together ? { classes: [a, b] } : {};
      const objective = sum(crossEntropy(), penalty);
      for (const [rows, head, own] of [
        [first, a, { classes: [a] }],
        [second, b, classes],
      ] as const) {
        const data = batches(rows, { head, batchSize: 4, rehearse: memory.draw(4), ...own });
        await fit(model, { objective, data, optimizer: sgd({ learningRate: 0.1 }), epochs: 3, seed: 1, onEvent });
        await penalty.consolidate(model, batches(rows, { head, ...own }));
        memory.remember(rows, { head });
      }
      penalty.dispose();
      return found.map(({ code }) => code);
    }
    const twoHeads = () => toy({ heads: { a: ['x', 'y'], b: ['z', 'w'] } });

    test(
      'class-incremental with a penalty alone is told; with replay, and task-incremental, it is not',
      scoped(async () => {
        expect(await learned(twoHeads(), { together: true })).toContain('classes-unrehearsed');
        expect(await learned(twoHeads(), { together: true, perLabel: 2 })).not.toContain('classes-unrehearsed');
        expect(await learned(twoHeads())).not.toContain('classes-unrehearsed');
      }),
    );

    test(
      'a lambda that is far too large or too small is told',
      scoped(async () => {
        expect(await learned(twoHeads(), { lambda: 1e-3 })).toEqual(['penalty-vanishes']);
        const model = twoHeads();
        const start = l2sp({ lambda: 1e5 });
        start.consolidate(model);
        for (const name of model.trainable) model.weights[name]!.assign(model.weights[name]!.add(0.1));
        const found: Advice[] = [];
        const data = batches(first, { head: model.head('a'), batchSize: 1 });
        const onEvent = advised((advice) => found.push(advice), { window: 3 });
        await fit(model, {
          objective: sum(crossEntropy(), start),
          data,
          optimizer: sgd({ learningRate: 1e-9 }),
          seed: 1,
          onEvent,
        });
        expect(found).toMatchObject([{ code: 'penalty-dominates', penalty: 'l2sp' }]);
        expect(found[0]!.ratio).toBeGreaterThan(100);
        start.dispose();
      }),
    );
  });
});
