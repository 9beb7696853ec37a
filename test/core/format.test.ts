import { describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';

describe('format', () => {
  test('a list of records: words on the left, numbers on the right, three digits where a column has fractions', () => {
    const rows = [
      { method: 'naive', final: 0.6664, steps: 240 },
      { method: 'ewc', final: 1, steps: 7, note: 'λ 1e4' },
    ];
    expect(format(rows)).toBe(['method  final  steps  note', 'naive   0.666    240', 'ewc     1.000      7  λ 1e4'].join('\n'));
  });

  test('a record of records has one row per name; nested parts are left out', () => {
    const results = { billing: { accuracy: 0.9, confusion: [[9, 1]] }, shipping: { accuracy: 0.5, confusion: [[5, 5]] } };
    expect(format(results)).toBe(['          accuracy', 'billing      0.900', 'shipping     0.500'].join('\n'));
  });

  test('a record of values has one row per entry', () => {
    expect(format({ accuracy: 0.5, rows: 10, confusion: [[1]] })).toBe(['accuracy  0.500', 'rows      10'].join('\n'));
  });

  test('what has a table() is printed by it; a value is itself', () => {
    const table = () => ({
      title: 'T',
      columns: ['a', 'b'],
      rows: [
        ['x', null],
        ['y', 2],
      ] as const,
      notes: ['end'],
    });
    expect(format({ table })).toBe(['T', 'a  b', 'x', 'y  2', 'end'].join('\n'));
    expect([format('text'), format(3), format(null), format([])]).toEqual(['text', '3', '', '[]']);
  });
});
