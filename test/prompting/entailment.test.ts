import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { readAll } from '../../src/data/source';
import { disposeBatch, type Example } from '../../src/data';
import { entailmentPairs, entailmentRows, nliRows, type EntailmentPairsOptions } from '../../src/prompting/entailment';
import { failure } from '../support/failure';
import { expectNoLeak } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const descriptions = { a: '1 1', b: '2 2', c: '3 3', d: '4 4' };
const examples: Example[] = [
  { text: '5 6', label: 'a', id: 'one' },
  { text: '7', label: 'c' },
  { text: '8 9 10', label: 'b' },
];
/** Always the first of what is left: no shuffle. */
const last = () => 0.999;
const heads = { entailment: ['entailment', 'not_entailment'] };

async function readPairs(options: Partial<EntailmentPairsOptions>, { epoch = 0, skip = 0, seed = 1 } = {}) {
  const model = toy({ heads });
  const data = entailmentPairs(examples, { descriptions, head: model.head('entailment'), ...options });
  const pairs: string[] = [];
  for await (const batch of data.open({ model, seed, epoch, skip })) {
    const labels = await batch.labels.array();
    batch.examples.forEach((example, b) => {
      const { text, pair, label } = example as Example;
      expect(heads.entailment[labels[b]!]).toBe(label);
      pairs.push(`${text} | ${pair} | ${label}`);
    });
    disposeBatch(batch);
  }
  model.dispose();
  return pairs;
}

describe('by hand', () => {
  test('one pair with the own description, then the others', () => {
    expect(entailmentRows(examples.slice(0, 2), { descriptions, negatives: 1, random: last })).toEqual([
      { text: '5 6', pair: '1 1', label: 'entailment', id: 'one' },
      { text: '5 6', pair: '2 2', label: 'not_entailment', id: 'one' },
      { text: '7', pair: '3 3', label: 'entailment' },
      { text: '7', pair: '1 1', label: 'not_entailment' },
    ]);
  });

  test.each([
    [1, 2],
    [2, 3],
    [8, 4],
    [Infinity, 4],
  ])('%s negatives of 3 others make %s rows of an example, no description twice', (negatives, count) => {
    const rows = entailmentRows(examples, { descriptions, negatives, random: last });
    for (const { text, label } of examples) {
      const own = rows.filter((row) => row.text === text);
      expect(own).toHaveLength(count);
      expect(new Set(own.map(({ pair }) => pair)).size).toBe(count);
      const yes = own.filter((row) => row.label === 'entailment');
      expect(yes.map(({ pair }) => pair)).toEqual([descriptions[label as 'a']]);
    }
  });

  test('a view of an example gets the same description', () => {
    const [first] = entailmentRows([{ ...examples[0]!, views: { codeSwitched: { text: '6 6' } } }], {
      descriptions,
      random: last,
    });
    expect(first!.views).toEqual({ codeSwitched: { text: '6 6', pair: '1 1' } });
  });

  test('nliRows: entailment stays, the other two are no', async () => {
    const labels = ['entailment', 'neutral', 'contradiction', 'not_entailment'];
    const rows = labels.map((label): Example => ({ text: 'premise', pair: 'hypothesis', label }));
    const read = await readAll('test', nliRows(rows));
    expect(read.map(({ label }) => label)).toEqual(['entailment', 'not_entailment', 'not_entailment', 'not_entailment']);
    expect(read[1]).toEqual({ ...rows[1], label: 'not_entailment' });
  });
});

describe('the draws', () => {
  test('are a function of seed and epoch; a resumed epoch goes on with the same', async () => {
    const [all, again] = [await readPairs({ batchSize: 2, negatives: 1 }), await readPairs({ batchSize: 2, negatives: 1 })];
    expect(again).toEqual(all);
    expect(await readPairs({ batchSize: 2, negatives: 1 }, { skip: 2 })).toEqual(all.slice(4));
    const sets = await Promise.all(
      [0, 1, 2, 3].map(async (epoch) => (await readPairs({ negatives: 1 }, { epoch })).sort().join()),
    );
    expect(new Set(sets).size).toBeGreaterThan(1);
    const seeds = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => (await readPairs({ negatives: 1 }, { seed })).sort().join()),
    );
    expect(new Set(seeds).size).toBeGreaterThan(1);
  });

  test('leave no tensor', async () => {
    await expectNoLeak(async () => void (await readPairs({ batchSize: 3 })));
  });
});

describe('refused', () => {
  const rows = (some: readonly Example[], given: Record<string, string> = descriptions, negatives = 1) =>
    entailmentRows(some, { descriptions: given, negatives, random: last });

  test('labels without description and rows without label, all by name', async () => {
    const wrong = [{ text: '1', label: 'e' }, { text: '2' }, ...examples];
    const model = toy({ heads });
    const data = entailmentPairs(wrong, { descriptions, head: model.head('entailment') });
    const read = async () => {
      for await (const batch of data.open({ model, seed: 1, epoch: 0 })) disposeBatch(batch);
    };
    const { code, message } = await failure(read());
    expect(code).toBe('unknown-label');
    expect(message).toContain('there are descriptions of a, b, c, d');
    expect(message).toContain("- label 'e' in row 1 has no description\n- row 2 has no label");
    model.dispose();
    expect(() => rows([{ text: '1', label: 'toString' }])).toThrow("label 'toString' in row 1 has no description");
  });

  test('descriptions that say nothing, or the same', () => {
    expect(() => rows(examples, { a: '1 1' })).toThrow('descriptions must have two labels or more, got 1');
    expect(() => rows(examples, { a: '1', b: ' ' })).toThrow("the description of label 'b' must be a text that is not empty");
    expect(() => rows(examples, { a: '1', b: '1' })).toThrow("labels 'a' and 'b' have the same description");
  });

  test('pairs, and ratios that are none', () => {
    expect(() => rows([{ text: '1', pair: '2', label: 'a' }])).toThrow('row 1 has a second text already');
    expect(() => rows(examples, descriptions, 0)).toThrow('negatives must be a number ≥ 1, got 0');
    expect(() => rows(examples, descriptions, 1.5)).toThrow('negatives must be a whole number, or Infinity for all, got 1.5');
  });

  test('rows of inference without second text, or with another label', async () => {
    const unpaired = await failure(readAll('test', nliRows([{ text: '1', label: 'neutral' }])));
    expect(unpaired.message).toContain('row 1 has no second text');
    const unknown = await failure(readAll('test', nliRows([{ text: '1', pair: '2', label: 'maybe' }])));
    expect([unknown.code, unknown.message]).toEqual(['unknown-label', expect.stringContaining("label 'maybe' in row 1")]);
  });
});
