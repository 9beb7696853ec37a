import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Encoded } from '../../src/core/types';
import { randomOf } from '../../src/data/random';
import { disposeBatch, type Example } from '../../src/data';
import { contrastivePairs, drawnPairs, type ContrastivePairsOptions } from '../../src/prompting/contrastivePairs';
import { scoredPairs, type ScoredPair } from '../../src/prompting/scoredPairs';
import { expectClose, valuesOf } from '../support/close';
import { failure } from '../support/failure';
import { firstOf } from '../support/firstOf';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The label is the text's last figure but one: '10' and '12' are of label 1. */
const examples: Example[] = [10, 11, 12, 20, 21, 22, 30, 31].map((n) => ({ text: String(n), label: String(Math.floor(n / 10)) }));
const labelOf = (text: string) => text[0];
const random = () => randomOf(1);

describe('drawnPairs', () => {
  const pairs = [...drawnPairs(examples, { pairs: 5, random: random() })];

  test('2 · R · N pairs, alternately of one label and of two, no text with itself', () => {
    expect(pairs).toHaveLength(2 * 5 * examples.length);
    pairs.forEach(({ text, pair, target }, i) => {
      expect(target).toBe(i % 2 === 0 ? 1 : 0);
      expect(labelOf(text) === labelOf(pair)).toBe(target === 1);
      expect(text).not.toBe(pair);
    });
    for (const { text } of examples) expect(pairs.filter((pair) => pair.text === text)).toHaveLength(10);
  });

  test('every pair that there is comes in time', () => {
    const many = [...drawnPairs(examples, { pairs: 200, random: random() })];
    expect(new Set(many.map(({ text, pair }) => [text, pair].sort().join())).size).toBe((8 * 7) / 2);
  });

  test('unique: no two texts twice, as many of one kind as of the other, and an end where none is left', () => {
    const unique = [...drawnPairs(examples, { pairs: 100, unique: true, random: random() })];
    expect(new Set(unique.map(({ text, pair }) => [text, pair].sort().join())).size).toBe(unique.length);
    // 3 + 3 + 1 pairs of one label.
    expect(unique.filter(({ target }) => target === 1)).toHaveLength(7);
    expect(unique.filter(({ target }) => target === 0)).toHaveLength(7);
  });

  test('the only example of a label is paired with itself', () => {
    const once = [...drawnPairs([{ text: 'x', label: 'a' }, ...examples], { pairs: 9, unique: true, random: random() })];
    expect(once.filter(({ text, pair }) => text === 'x' && pair === 'x')).toHaveLength(1);
    const [first, second] = drawnPairs([{ text: 'x', label: 'a' }, ...examples], { pairs: 1, random: () => 0.999 });
    const own = [...drawnPairs([{ text: 'x', label: 'a' }, ...examples], { pairs: 1, random: random() })];
    expect([first!.target, second!.target]).toEqual([1, 0]);
    expect(own.find(({ text, target }) => text === 'x' && target === 1)!.pair).toBe('x');
  });

  test('streams: of 20,000 examples the first pairs come without the other 400 million', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ text: `${i % 7} ${i}`, label: String(i % 7) }));
    const stream = drawnPairs(many, { pairs: 20, unique: true, random: random() });
    for (let i = 0; i < 100; i++) {
      const { text, pair, target } = stream.next().value as ScoredPair;
      expect(labelOf(text) === labelOf(pair)).toBe(target === 1);
    }
  });
});

describe('contrastivePairs', () => {
  const read = async (options: ContrastivePairsOptions, { epoch = 0, skip = 0, seed = 1 } = {}) => {
    const model = toy({ vocabulary: 40 });
    const pairs: string[] = [];
    for await (const batch of contrastivePairs(examples, options).open({ model, seed, epoch, skip })) {
      const [first, second] = [await valuesOf(batch.inputs.ids), await valuesOf(batch.other.ids)];
      (await valuesOf(batch.targets)).forEach((target, b) => {
        const [text, pair] = [String(first[b]), String(second[b])];
        expect(labelOf(text) === labelOf(pair)).toBe(target === 1);
        pairs.push(`${text} ${pair}`);
      });
      disposeBatch(batch);
    }
    model.dispose();
    return pairs;
  };

  test('batches of both texts with the target; a function of seed and epoch, also when resumed', async () => {
    const all = await read({ pairs: 2, batchSize: 5 });
    expect(all).toHaveLength(32);
    expect(await read({ pairs: 2, batchSize: 5 })).toEqual(all);
    expect(await read({ pairs: 2, batchSize: 5 }, { skip: 2 })).toEqual(all.slice(10));
    expect([...(await read({ pairs: 2 }, { epoch: 1 }))].sort()).not.toEqual([...all].sort());
    expect([...(await read({ pairs: 2 }, { seed: 2 }))].sort()).not.toEqual([...all].sort());
  });

  test('leaves no tensor', () => expectNoLeak(async () => void (await read({ pairs: 1, batchSize: 3 }))));

  test('one label, none, and bad options are refused', async () => {
    const model = toy();
    const first = async (some: readonly Example[]) => {
      for await (const batch of contrastivePairs(some).open({ model, seed: 1, epoch: 0 })) disposeBatch(batch);
    };
    expect((await failure(first([{ text: '1', label: 'a' }]))).message).toContain("all examples have the label 'a'");
    const unlabelled = await failure(first([{ text: '1', label: 'a' }, { text: '2' }]));
    expect([unlabelled.code, unlabelled.message]).toEqual(['unknown-label', expect.stringContaining('row 2 has no label')]);
    const paired = await failure(first([...examples, { text: '1', label: 'a', pair: '2' }]));
    expect([paired.code, paired.message]).toEqual(['bad-data', expect.stringContaining('row 9 has a second text')]);
    expect(() => contrastivePairs(examples, { pairs: 0 })).toThrow('pairs must be a whole number');
    expect(() => contrastivePairs(examples, { batchSize: 0 })).toThrow('batchSize must be a whole number');
    model.dispose();
  });
});

describe('scoredPairs', () => {
  test(
    'keeps text, pair and target together',
    scoped(async () => {
      const rows = [1, 2, 3, 4].map((n): ScoredPair => ({ text: `${n}`, pair: `${n + 4}`, target: n / 10 }));
      for await (const batch of scoredPairs(rows).open({ model: toy(), seed: 3, epoch: 0 })) {
        const [first, second] = [await valuesOf(batch.inputs.ids), await valuesOf(batch.other.ids)];
        const targets = await valuesOf(batch.targets);
        first.forEach((id, b) => {
          expect(second[b]).toBe(id + 4);
          expect(targets[b]).toBeCloseTo(id / 10, 6);
        });
      }
    }),
  );

  test(
    'the views of a pair stay beside the second text',
    scoped(async () => {
      const row = { text: '1', pair: '2', target: 1 };
      const open = (views: Example['views']) => firstOf(scoredPairs([{ ...row, views: views! }]), toy());
      const batch = (await open({ switched: { text: '3' } })) as unknown as Record<string, Encoded>;
      for (const [name, id] of Object.entries({ inputs: 1, other: 2, switched: 3 })) await expectClose(batch[name]!.ids, [id]);
      expect((await failure(open({ other: { text: '3' } }))).message).toContain("row 1 has a view 'other'");
    }),
  );

  test('rows without second text or target are all named', async () => {
    const model = toy();
    const wrong = [
      { text: '1', pair: '2', target: NaN },
      { text: '1', target: 1 },
    ] as ScoredPair[];
    const read = async () => {
      for await (const batch of scoredPairs(wrong).open({ model, seed: 1, epoch: 0 })) disposeBatch(batch);
    };
    expect((await failure(read())).message).toContain('- row 1 has no finite target, got NaN\n- row 2 has no second text');
    model.dispose();
  });
});
