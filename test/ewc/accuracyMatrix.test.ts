import { describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';
import { accuracyMatrix } from '../../src/ewc/accuracyMatrix';

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

  test('bad results are refused and change nothing', () => {
    const matrix = three();
    expect(() => matrix.add('a', { a: 1 })).toThrow("task 'a' was added before");
    expect(() => matrix.add('d', { a: 1, c: 1 })).toThrow("the results after 'd' lack 'b', 'd'");
    expect(() => matrix.add('d', { a: 1, b: 1, c: 1, d: 1.5 })).toThrow("accuracy on 'd' must be a number from 0 to 1, got 1.5");
    expect(() => matrix.at('a', 'c')).toThrow("'c' was not measured after 'a'");
    expect(() => accuracyMatrix().summary()).toThrow('no task was added yet');
    expect(matrix.tasks).toEqual(['a', 'b', 'c']);
  });
});
