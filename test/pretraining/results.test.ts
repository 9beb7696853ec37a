import { expect, test } from 'vitest';
import { hide } from '../../pretraining/evaluation/masked';
import { accuracyOver, topicsOver } from '../../pretraining/evaluation/results';
import { tablesOf } from '../../pretraining/evaluation/table';

test('by hand: mean and standard deviation of 1, 2, 3 and of one run', () => {
  expect(accuracyOver([1, 2, 3])).toEqual({ mean: 2, std: 1, runs: [1, 2, 3] });
  expect(accuracyOver([0.5]).std).toBeNull();
});

test('the transfer is the mean of the other languages, seed by seed', () => {
  const runs = [
    { en: 0.9, de: 0.5, fr: 0.7 },
    { en: 0.8, de: 0.7, fr: 0.9 },
  ];
  const { accuracy, transfer } = topicsOver({}, [1, 2], ['en', 'de', 'fr'], runs);
  expect(accuracy['de']!.mean).toBeCloseTo(0.6, 12);
  expect(transfer.runs[0]).toBeCloseTo(0.6, 12);
  expect(transfer.mean).toBeCloseTo(0.7, 12);
});

test('a table leaves out what was not measured', () => {
  const shown = tablesOf([
    {
      name: 'words',
      measured: '2020-01-31',
      machine: 'any',
      parameters: null,
      bytes: null,
      prefix: '',
      similarity: { spearman: { en: 0.5, de: 0.4, es: 0.3, zh: 0.2 }, mean: 0.35 },
    },
  ]);
  expect(shown).toMatch(/words +50\.0 +40\.0 +30\.0 +20\.0 +35\.0/);
  expect(shown).not.toContain('SIB-200');
});

const tokens = (ids: number[]) => ({
  ids,
  types: ids.map(() => 0),
  offsets: ids.map(() => [0, 0] as const),
  words: ids.map(() => null),
  sequences: ids.map(() => null),
});

test('15 % of the tokens are hidden, at least one, never a special one', () => {
  const special = new Set([0, 1]);
  const many = hide(tokens([0, ...Array.from({ length: 40 }, (_, i) => 10 + i), 1]), 5, special, () => 0.5)!;
  expect(many.places).toHaveLength(6);
  many.places.forEach((place, n) => {
    expect(many.tokens.ids[place]).toBe(5);
    expect(many.answers[n]).toBe(10 + place - 1);
  });
  expect(many.tokens.ids.filter((id) => id === 5)).toHaveLength(6);
  expect(hide(tokens([0, 10, 1]), 5, special, () => 0)!.answers).toEqual([10]);
  expect(hide(tokens([0, 1]), 5, special, () => 0)).toBeUndefined();
});
