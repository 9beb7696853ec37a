import { describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';
import { accuracyMatrix, type AccuracyMatrixJson } from '../../src/ewc/accuracyMatrix';
import { sequenceSummaryOf, type SequenceSummary } from '../../src/ewc/sequenceSummary';
import { fixture } from '../support/fixture';

interface Case {
  readonly accuracy: number[][];
  readonly macroF1: number[][];
  readonly baseline: number[];
  readonly summary: Required<SequenceSummary>;
}
const { cases } = fixture<{ cases: Case[] }>('sequenceMetrics.json');

/** All that can be given: F1, results of tasks before they are learned, the untrained model, bounds. */
function whole({ accuracy, macroF1, baseline }: Case, tasks = accuracy.length) {
  const matrix = accuracyMatrix();
  const named = <T>(values: readonly T[]) => Object.fromEntries(values.map((value, i) => [`t${i}`, value]));
  matrix.baseline(named(baseline));
  for (let t = 0; t < tasks; t++)
    matrix.add(`t${t}`, named(accuracy[t]!.map((value, i) => ({ accuracy: value, macroF1: macroF1[t]![i]! }))));
  matrix.bounds({ naive: { final: 0.25, forgetting: 0.5 }, joint: 0.875 });
  return matrix;
}

const throughJson = (matrix: { toJSON(): AccuracyMatrixJson }) => JSON.parse(JSON.stringify(matrix)) as AccuracyMatrixJson;

function three() {
  const matrix = accuracyMatrix();
  matrix.add('a', { a: 0.9, b: 0.1 });
  matrix.add('b', { a: { accuracy: 0.95 }, b: { accuracy: 0.8 } });
  matrix.add('c', { a: 0.6, b: 0.7, c: 0.5 });
  return matrix;
}

describe('accuracyMatrix', () => {
  test('by hand', () => {
    // final (0.6 + 0.7 + 0.5) / 3; learn (0.9 + 0.8 + 0.5) / 3
    // BWT ((0.6 − 0.9) + (0.7 − 0.8)) / 2; forgetting ((0.95 − 0.6) + (0.8 − 0.7)) / 2
    const { final, learn, bwt, forgetting } = three().summary();
    expect(final).toBeCloseTo(0.6);
    expect(learn).toBeCloseTo(2.2 / 3);
    expect(bwt).toBeCloseTo(-0.2);
    expect(forgetting).toBeCloseTo(0.225);
  });

  test('forward transfer by hand: ((0.5 − 0.25) + (0.75 − 0.5)) / 2; only where all of it was measured', () => {
    const matrix = accuracyMatrix();
    matrix.add('a', { a: 1, b: 0.5, c: 0.25 });
    matrix.add('b', { a: 1, b: 1, c: 0.75 });
    matrix.baseline({ b: 0.25 });
    expect(matrix.summary().fwt).toBe(0.25);
    matrix.add('c', { a: 1, b: 1, c: 1 });
    expect(matrix.summary()).not.toHaveProperty('fwt');
    matrix.baseline({ c: { accuracy: 0.5 } });
    expect(matrix.summary().fwt).toBe(0.25);
    const blind = three();
    blind.baseline({ a: 0.5, b: 0.5, c: 0.5 });
    expect(blind.summary()).not.toHaveProperty('fwt'); // Task c was not tested before it was learned.
  });

  test.each(cases.map((one) => [one.accuracy.length, one] as const))('%i tasks equal numpy', (_, one) => {
    const got = whole(one).summary();
    expect(Object.keys(got).sort()).toEqual(Object.keys(one.summary).sort());
    for (const [name, value] of Object.entries(one.summary))
      expect(got[name as keyof SequenceSummary], name).toBeCloseTo(value, 12);
    const { macroF1: _brought, ...alone } = got;
    expect(sequenceSummaryOf(one.accuracy, one.baseline)).toEqual(alone);
  });

  test('limits: with one task nothing is forgotten; a task that got better is not negative forgetting', () => {
    const matrix = accuracyMatrix();
    matrix.add('a', { a: 0.5 });
    expect(matrix.summary()).toEqual({ final: 0.5, learn: 0.5, bwt: 0, forgetting: 0 });
    matrix.add('b', { a: 0.75, b: 1 });
    expect(matrix.summary()).toEqual({ final: 0.875, learn: 0.75, bwt: 0.25, forgetting: 0 });
  });

  test('what a task scored before it was learned is kept, but is no forgetting', () => {
    const matrix = accuracyMatrix();
    matrix.add('a', { a: 1, b: 0.9 });
    matrix.add('b', { a: 1, b: 0.5 });
    matrix.add('c', { a: 1, b: 0.5, c: 1 });
    expect(matrix.at('a', 'b')).toBe(0.9);
    expect(matrix.summary().forgetting).toBe(0);
  });

  test('goes to JSON in learning order, with null where nothing was measured', () => {
    expect(JSON.parse(JSON.stringify(three()))).toMatchObject({
      tasks: ['a', 'b', 'c'],
      accuracy: [
        [0.9, 0.1, null],
        [0.95, 0.8, null],
        [0.6, 0.7, 0.5],
      ],
      summary: { final: expect.closeTo(0.6) as number },
    });
  });

  test('prints', () => {
    expect(format(three()).split('\n')).toEqual([
      'Accuracy on each task (columns) after learning each task (rows)',
      'after      a      b      c',
      'a      0.900  0.100',
      'b      0.950  0.800',
      'c      0.600  0.700  0.500',
      'final (ACC) 0.600, when learned 0.733, backward transfer (BWT) -0.200, forgetting 0.225',
    ]);
  });

  test('prints the untrained model, macro-F1 and bounds where they are given', () => {
    const matrix = accuracyMatrix();
    matrix.baseline({ a: 0.5, b: 0.25 });
    matrix.add('a', { a: 0.9, b: 0.5 });
    matrix.add('b', { a: { accuracy: 0.7, macroF1: 0.6 }, b: { accuracy: 0.8, macroF1: 0.7 } });
    matrix.bounds({ naive: accuracyMatrixOf(0.6).summary() });
    matrix.bounds({ joint: 0.9 });
    expect(format(matrix).split('\n')).toEqual([
      'Accuracy on each task (columns) after learning each task (rows)',
      'after             a      b',
      '(untrained)   0.500  0.250',
      'a             0.900  0.500',
      'b             0.700  0.800',
      'b (macro-F1)  0.600  0.700',
      'final (ACC) 0.750, when learned 0.850, backward transfer (BWT) -0.200, forgetting 0.200, forward transfer (FWT) 0.250, macro-F1 0.650',
      'bounds (ACC): naive 0.600 (forgetting 0.000), joint 0.900',
    ]);
  });

  test('macro-F1 of a sequence only where every task brought it', () => {
    const matrix = accuracyMatrix();
    matrix.add('a', { a: { accuracy: 1, macroF1: 0.5 } });
    expect(matrix.summary().macroF1).toBe(0.5);
    matrix.add('b', { a: { accuracy: 1, macroF1: 0.5 }, b: 1 });
    expect(matrix.summary()).not.toHaveProperty('macroF1');
    expect(matrix.toJSON().macroF1).toEqual([
      [0.5, null],
      [0.5, null],
    ]);
  });

  test('goes on in another process from its JSON, at any task, as if never interrupted', () => {
    const one = cases[2]!;
    const end = whole(one);
    for (let tasks = 0; tasks <= one.accuracy.length; tasks++) {
      const resumed = accuracyMatrix();
      resumed.add('old', { old: 1 });
      resumed.restore(throughJson(whole(one, tasks)));
      expect(resumed.toJSON()).toEqual(whole(one, tasks).toJSON());
      for (const [t, task] of end.tasks.entries()) {
        if (t < tasks) continue;
        const results = end.tasks.map((on, i) => [on, { accuracy: one.accuracy[t]![i]!, macroF1: one.macroF1[t]![i]! }]);
        resumed.add(task, Object.fromEntries(results));
      }
      expect(resumed.toJSON()).toEqual(end.toJSON());
      expect(format(resumed)).toBe(format(end));
    }
  });

  test('bad results are refused and change nothing', () => {
    const matrix = three();
    expect(() => matrix.add('a', { a: 1 })).toThrow("task 'a' was added before");
    expect(() => matrix.add('d', { a: 1, c: 1 })).toThrow("the results after 'd' lack 'b', 'd'");
    expect(() => matrix.add('d', { a: 1, b: 1, c: 1, d: 1.5 })).toThrow("accuracy on 'd' must be a number from 0 to 1, got 1.5");
    expect(() => matrix.at('a', 'c')).toThrow("'c' was not measured after 'a'");
    expect(() => accuracyMatrix().summary()).toThrow('no task was added yet');
    expect(matrix.tasks).toEqual(['a', 'b', 'c']);
  });

  test('so are a bad baseline, bounds and JSON', () => {
    const matrix = whole(cases[1]!);
    const before = throughJson(matrix);
    expect(() => matrix.baseline({ t0: 0.5, t1: -1 })).toThrow("accuracy on 't1' must be a number from 0 to 1, got -1");
    expect(() => matrix.add('d', { t0: 1, t1: 1, t2: 1, d: { accuracy: 1, macroF1: NaN } })).toThrow("macro-F1 on 'd' must be");
    expect(() => matrix.bounds({ naive: 0.5, joint: 93 })).toThrow(
      "final accuracy of bound 'joint' must be a number from 0 to 1, got 93",
    );
    expect(() => matrix.restore({ ...before, accuracy: before.accuracy.slice(1) })).toThrow("the results after 't2' lack 't0'");
    expect(() => matrix.restore({ ...before, tasks: ['t0', 't0', 't0'] })).toThrow("'t0' was added before");
    expect(() => matrix.restore({ ...before, bounds: { joint: 2 } })).toThrow("bound 'joint'");
    expect(() => sequenceSummaryOf([])).toThrow('there is no task');
    expect(() => sequenceSummaryOf([[1], [null, 1]])).toThrow('R[1][0] is missing');
    expect(throughJson(matrix)).toEqual(before);
  });
});

function accuracyMatrixOf(final: number) {
  const matrix = accuracyMatrix();
  matrix.add('a', { a: final });
  return matrix;
}
