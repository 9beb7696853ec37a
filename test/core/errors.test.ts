import { createContext, runInContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { badArgument, HoldfastError, isHoldfastError, requireCount, requireNumber, requirePositive } from '../../src/core';

describe('HoldfastError', () => {
  test('has a code, a message, all issues and its cause', () => {
    const cause = new Error('low level');
    const issues = [{ message: 'first', file: 'a.jsonl', line: 3 }, { message: 'second' }];
    const error = new HoldfastError('bad-data', 'two rows are wrong', { issues, cause });
    expect(error).toMatchObject({ name: 'HoldfastError', code: 'bad-data', message: 'two rows are wrong', issues, cause });
    expect(error).toBeInstanceOf(Error);
    expect(new HoldfastError('aborted', 'stopped').issues).toEqual([{ message: 'stopped' }]);
    expect('cause' in new HoldfastError('aborted', 'stopped')).toBe(false);
  });

  test('is recognised by its brand, also from another copy of the package', () => {
    expect(isHoldfastError(badArgument('f', 'x'))).toBe(true);
    // A second copy has another class, in this case even another realm, but the same registered symbol.
    const foreign: unknown = runInContext(
      `Object.assign(new Error('elsewhere'), { code: 'aborted', [Symbol.for('holdfast.error')]: true })`,
      createContext({}),
    );
    expect(foreign instanceof HoldfastError).toBe(false);
    expect(isHoldfastError(foreign)).toBe(true);
    if (isHoldfastError(foreign)) expect(foreign.code).toBe('aborted');
  });

  test('nothing else is', () => {
    for (const other of [new Error('x'), { code: 'aborted' }, null, undefined, 'aborted', { [Symbol('holdfast.error')]: true }]) {
      expect(isHoldfastError(other)).toBe(false);
    }
  });
});

describe('checks', () => {
  test('say what was got and what was wanted', () => {
    expect(() => requireNumber('f', 'x', -1)).toThrow('f: x must be a number ≥ 0, got -1');
    expect(() => requireNumber('f', 'x', 3, 0, 1)).toThrow('f: x must be a number from 0 to 1, got 3');
    expect(() => requireNumber('f', 'x', '2' as unknown as number)).toThrow('got 2');
    expect(() => requireNumber('f', 'x', Infinity)).toThrow('got Infinity');
    expect(() => requirePositive('f', 'x', 0)).toThrow('f: x must be a number above 0, got 0');
    expect(() => requirePositive('f', 'x', NaN)).toThrow('got NaN');
    expect(() => requirePositive('f', 'x', 2, 1)).toThrow('f: x must be a number above 0 and at most 1, got 2');
    expect(() => requireCount('f', 'n', 0)).toThrow('f: n must be a whole number ≥ 1, got 0');
    expect(() => requireCount('f', 'n', 2 ** 53)).toThrow('whole number');
  });
  test('let good values pass', () => {
    expect(() => {
      requireNumber('f', 'x', 0);
      requireNumber('f', 'x', 1, 0, 1);
      requirePositive('f', 'x', Number.MIN_VALUE);
      requirePositive('f', 'x', 1, 1);
      requireCount('f', 'n', 0, 0);
    }).not.toThrow();
  });
});
