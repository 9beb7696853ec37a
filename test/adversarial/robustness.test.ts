import { describe, expect, test } from 'vitest';
import { perturbed } from '../../src/adversarial/perturbed';
import { robustness } from '../../src/adversarial/robustness';
import {
  keyboardTypos,
  letterDrops,
  letterSwaps,
  lowerCased,
  synonymSwaps,
  upperCased,
  type TextPerturbation,
} from '../../src/adversarial/textPerturbations';
import { format } from '../../src/core/format';
import { randomOf } from '../../src/data/random';
import type { Example, ExampleSource } from '../../src/data/types';
import { failure } from '../support/failure';

/** Gives these numbers, again and again. */
const drawing = (...numbers: number[]) => {
  let n = 0;
  return () => numbers[n++ % numbers.length]!;
};
const table = new Map([
  ['money', ['cash', 'funds']],
  ['invoice', ['bill']],
]);
const kinds: Record<string, (rate: number) => TextPerturbation> = {
  keyboardTypos: (rate) => keyboardTypos({ rate }),
  letterSwaps: (rate) => letterSwaps({ rate }),
  letterDrops: (rate) => letterDrops({ rate }),
  synonymSwaps: (rate) => synonymSwaps({ rate, table }),
  upperCased: (rate) => upperCased({ rate }),
};

describe('text perturbations', () => {
  test('by hand: the first letter, then its first neighbour', () => {
    // q is beside w and above a; g has f and h beside it, t and y above, v and b below: the keys above come first.
    expect(keyboardTypos({ rate: 1 })('quick', drawing(0, 0, 0))).toBe('wuick');
    const near = [0, 0.17, 0.34, 0.51, 0.67, 0.84].map((choice) => keyboardTypos({ rate: 1 })('G', drawing(0, 0, choice)));
    expect(near).toEqual(['T', 'Y', 'F', 'H', 'V', 'B']);
    expect(keyboardTypos({ rate: 1, keys: ['zy'] })('Yes', drawing(0, 0, 0))).toBe('Zes');
    expect(letterSwaps({ rate: 1 })('the door', drawing(0, 0.99, 0))).toBe('teh doro');
    expect(letterSwaps({ rate: 1 })('aa a', drawing(0))).toBe('aa a');
    expect(letterDrops({ rate: 1 })('Where, I say?', drawing(0, 0.99, 0))).toBe('Wher, I sa?');
    expect(synonymSwaps({ rate: 1, table })('My Money, an INVOICE', drawing(0, 0.6, 0))).toBe('My Funds, an BILL');
    expect(upperCased()('wo ist {name}?', drawing(0))).toBe('WO IST {name}?');
    expect(lowerCased()('WO ist Es?', drawing(0))).toBe('wo ist es?');
  });

  test('accents stay on their letters', () => {
    const accented = 'e\u0301te\u0301';
    expect(letterSwaps({ rate: 1 })(accented, drawing(0, 0, 0))).toBe('te\u0301e\u0301');
    expect(letterDrops({ rate: 1 })(accented, drawing(0, 0, 0))).toBe('te\u0301');
  });

  const text = 'Please send the money for invoice 4711 to {account}, or my money back; ask help@x.org';
  test.each(Object.entries(kinds))(
    '%s: rate 0 is the text; what one rate changes, a higher one does; words of another kind stay',
    (_, of) => {
      expect(of(0)(text, randomOf(1))).toBe(text);
      const words = [0.3, 0.7, 1].map((rate) => of(rate)(text, randomOf(1)).split(' '));
      text.split(' ').forEach((word, i) => {
        if (words[0]![i] !== word) expect(words[1]![i]).toBe(words[0]![i]);
        if (words[1]![i] !== word) expect(words[2]![i]).toBe(words[1]![i]);
      });
      expect(words[2]!.join(' ')).not.toBe(text);
      expect(words[2]!.join(' ')).toMatch(/4711 .*\{account\}, .*help@x\.org$/);
    },
  );

  test('the rate is kept to on many words', () => {
    const many = 'money '.repeat(4000);
    for (const of of Object.values(kinds)) {
      const changed = of(0.3)(many, randomOf(2))
        .split(' ')
        .filter((word) => word !== 'money' && word !== '').length;
      expect(Math.abs(changed / 4000 - 0.3)).toBeLessThan(0.03); // 4 standard errors
    }
  });

  test('rates out of range and an empty table are refused', () => {
    for (const [name, of] of Object.entries(kinds))
      expect(() => of(2)).toThrow(`${name}: rate must be a number from 0 to 1, got 2`);
    expect(() => synonymSwaps({ rate: 1, table: new Map() })).toThrow('the table is empty');
  });
});

const rows = Array.from({ length: 6 }, (_, i) => ({
  text: 'where is the money',
  pair: 'send the invoice',
  label: 'x',
  id: `${i}`,
}));
const all = async <T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> => {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
};

describe('perturbed', () => {
  test('a function of seeds, epoch and row; both texts, nothing else', async () => {
    const read = (seed: number, epoch: number, own = 0, some = rows) =>
      all(perturbed(letterSwaps({ rate: 0.5 }), { seed: own })(some)({ seed, epoch }));
    const first = await read(1, 0);
    expect(await read(1, 0)).toEqual(first);
    for (const other of [await read(1, 1), await read(2, 0), await read(1, 0, 9)]) expect(other).not.toEqual(first);
    const changed = await read(1, 0, 0, [{ ...rows[0]!, text: 'x' }, ...rows.slice(1)]);
    expect(changed.slice(1)).toEqual(first.slice(1));
    expect(first.map(({ label, id }) => [label, id])).toEqual(rows.map(({ label, id }) => [label, id]));
    expect(first.some(({ pair }) => pair !== rows[0]!.pair)).toBe(true);
    expect(await all(perturbed(letterSwaps({ rate: 0 }))(rows)())).toEqual(rows);
    expect(await all(perturbed(upperCased())([{ text: 'x' }])())).toEqual([{ text: 'X' }]);
  });

  test('what can be read only once is refused', () => {
    const once = (function* () {
      yield rows[0]!;
    })();
    expect(() => perturbed(upperCased())(once)).toThrow('perturbed: the examples are a generator object');
  });
});

describe('robustness', () => {
  /** Knows only texts without capitals and without 'cash'. */
  const evaluate = async (test: ExampleSource) => {
    const examples: Example[] = await all(typeof test === 'function' ? test() : test);
    const right = examples.filter(({ text }) => text === text.toLowerCase() && !text.includes('cash')).length;
    return { accuracy: right / examples.length, total: examples.length };
  };
  const test4 = ['my money', 'the invoice', 'hello', 'wo ist mein geld'].map((text) => ({ text, label: 'x' }));

  test('by hand: clean 1; capitals lose all; synonyms change one of two', async () => {
    const report = await robustness(test4, {
      evaluate,
      kinds: {
        synonyms: synonymSwaps({ rate: 1, table: new Map([['money', ['cash']], ['invoice', ['bill']]]) }),
        capitals: upperCased(),
        nothing: lowerCased(),
      },
    }); // prettier-ignore
    expect(report.clean).toEqual({ accuracy: 1, total: 4 });
    expect(report.kinds).toEqual({
      synonyms: { accuracy: 0.75, drop: 0.25, changed: 0.5 },
      capitals: { accuracy: 0, drop: 1, changed: 1 },
      nothing: { accuracy: 1, drop: 0, changed: 0 },
    });
    expect([report.meanDrop, report.worst]).toEqual([1.25 / 3, 'capitals']);
    expect(format(report).split('\n')).toHaveLength(6);
    expect(format(report)).toContain('4 texts, mean drop 0.417, worst capitals');
  });

  test('two models see the same texts; another seed is other ones', async () => {
    const seen: string[] = [];
    const noting = async (test: ExampleSource) => {
      seen.push((await all(typeof test === 'function' ? test() : test)).map(({ text }) => text).join('|'));
      return { accuracy: 1, total: 4 };
    };
    for (const seed of [1, 1, 2])
      await robustness(test4, { evaluate: noting, kinds: { typos: keyboardTypos({ rate: 0.5 }) }, seed });
    expect(seen[1]).toBe(seen[3]);
    expect(seen[5]).not.toBe(seen[1]);
    expect([seen[0], seen[2], seen[4]]).toEqual(Array(3).fill(test4.map(({ text }) => text).join('|')));
  });

  test('without kinds, or for a test that can be read only once, it is refused', async () => {
    expect((await failure(robustness(test4, { evaluate, kinds: {} }))).message).toContain('no kinds');
    const once = (function* () {
      yield test4[0]!;
    })();
    expect((await failure(robustness(once, { evaluate, kinds: { capitals: upperCased() } }))).code).toBe('bad-data');
  });
});
