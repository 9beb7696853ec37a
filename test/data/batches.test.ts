import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Batch, Encoded, Labeled } from '../../src/core/types';
import {
  batches,
  disposeBatch,
  type Batches,
  type BatchesOptions,
  type Example,
  type OpenOptions,
  type Rehearsal,
} from '../../src/data';
import { headOf, wordModel } from './words';
import { failure } from '../support/failure';

beforeAll(() => tf.setBackend('cpu'));

const billing = headOf('billing', ['invoice', 'refund']);
const shipping = headOf('shipping', ['track', 'lost', 'late'], 2);
const model = wordModel([billing, shipping]);
const many = (count: number): Example[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    text: Array.from({ length: 1 + ((i * 7) % 9) }, (_, w) => `w${(i + w) % 20}`).join(' '),
    label: i % 3 === 0 ? 'refund' : 'invoice',
  }));

const open = (recipe: Batches<Batch>, options: Partial<OpenOptions> = {}) =>
  recipe.open({ model, seed: 1, epoch: 0, ...options });

/** Reads each batch with `read` and disposes it. */
async function collect<B extends Batch, T>(stream: AsyncIterable<B>, read: (batch: B) => T | Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for await (const batch of stream) {
    results.push(await read(batch));
    disposeBatch(batch);
  }
  return results;
}
const idsOf = ({ examples }: Batch): string[] => examples.map((example) => (example as Example).id ?? '?');

describe('batches', () => {
  test('by hand: two texts of different length', async () => {
    const rows = [
      { text: 'my invoice', label: 'invoice' },
      { text: 'money', label: 'refund' },
    ];
    const recipe = batches(rows, { head: billing, shuffle: false });
    const tiny = wordModel([billing]);
    const [batch] = await collect(
      recipe.open({ model: tiny, seed: 1, epoch: 0 }),
      async ({ inputs, labels, classes, shares, vocabulary, examples }) => ({
        ids: await inputs.ids.array(),
        mask: await inputs.mask.array(),
        types: inputs.types,
        places: await inputs.places!.array(),
        labels: await labels.array(),
        dtype: labels.dtype,
        classes: await classes!.array(),
        shares,
        vocabulary: [...vocabulary!],
        examples,
      }),
    );
    // [CLS] 1, [SEP] 2; my 3, invoice 4, money 5; padding 0 at the end.
    expect(batch).toEqual({
      ids: [
        [1, 3, 4, 2],
        [1, 5, 2, 0],
      ],
      mask: [
        [1, 1, 1, 1],
        [1, 1, 1, 0],
      ],
      types: undefined,
      vocabulary: [0, 1, 2, 3, 4, 5],
      places: [
        [1, 3, 4, 2],
        [1, 5, 2, 0],
      ],
      labels: [0, 1],
      dtype: 'int32',
      classes: [
        [1, 1],
        [1, 1],
      ],
      shares: undefined,
      examples: rows,
    });
  });

  test('pairs bring their token types', async () => {
    const recipe = batches([{ text: 'a b', pair: 'c' }, { text: 'a' }], { shuffle: false });
    const types = await collect(open(recipe), async ({ inputs }) => inputs.types!.array());
    expect(types).toEqual([
      [
        [0, 0, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0],
      ],
    ]);
  });

  test('without a head there are no labels, also in the types', async () => {
    const recipe = batches([{ text: 'a' }]);
    expectTypeOf(recipe).toEqualTypeOf<Batches<Batch>>();
    expectTypeOf(batches([{ text: 'a' }], { head: billing })).toEqualTypeOf<Batches<Labeled>>();
    expect(await collect(open(recipe), (batch) => Object.keys(batch).sort())).toEqual([['examples', 'inputs', 'vocabulary']]);
  });

  test('places point at the ids, in each view; padding is among them', async () => {
    const rows = many(40).map((example) => ({ ...example, views: { codeSwitched: { text: `neu ${example.text}` } } }));
    const recipe = batches(rows, { head: billing, batchSize: 8 });
    expectTypeOf(recipe).toEqualTypeOf<Batches<Labeled & { readonly codeSwitched: Encoded }>>();
    const checks = await collect(recipe.open({ model, seed: 1, epoch: 0 }), async (batch) => {
      const sorted = [...batch.vocabulary!];
      expect(sorted).toEqual([...new Set(sorted)].sort((a, b) => a - b));
      for (const { ids, places, mask } of [batch.inputs, batch.codeSwitched]) {
        const [id, place, real] = await Promise.all([ids.data(), places!.data(), mask.data()]);
        expect([...place].map((p) => sorted[p])).toEqual([...id]);
        expect([...id].map((one) => (one === 0 ? 0 : 1))).toEqual([...real]); // Pads, and only pads, are masked.
      }
      return batch.codeSwitched.ids.shape[1]! - batch.inputs.ids.shape[1]!;
    });
    expect(new Set(checks)).toEqual(new Set([1])); // One word more.
  });

  test('lengths are rounded up to a multiple, but not beyond maxLength', async () => {
    const recipe = (maxLength: number) => batches([{ text: 'a b c d e f g h i' }], { padToMultipleOf: 8, maxLength });
    const length = ({ inputs }: Batch) => inputs.ids.shape[1];
    expect(await collect(open(recipe(16)), length)).toEqual([16]);
    expect(await collect(open(recipe(13)), length)).toEqual([13]);
    expect(await collect(open(recipe(6)), length)).toEqual([6]);
  });

  test('no tensor is left after a run, nor when the reader stops early', async () => {
    const before = tf.memory().numTensors;
    const recipe = batches(many(100), {
      head: billing,
      batchSize: 8,
      rehearse: { draw: () => [{ example: many(1)[0]!, head: billing }] },
    });
    await collect(open(recipe), () => undefined);
    for await (const batch of open(recipe)) {
      disposeBatch(batch);
      break;
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('order', () => {
  const order = async (options: BatchesOptions, opening: Partial<OpenOptions> = {}, rows = many(2000)) =>
    collect(open(batches(rows, { batchSize: 8, ...options }), opening), idsOf);

  test('each row comes once; shuffle: false keeps the order', async () => {
    const rows = many(2000).map(({ id }) => id);
    expect((await order({})).flat().sort()).toEqual([...rows].sort());
    expect((await order({ shuffle: false })).flat()).toEqual(rows);
  });

  test('the same seed and epoch give the same batches, others do not', async () => {
    const first = await order({});
    expect(await order({})).toEqual(first);
    expect(await order({}, { epoch: 1 })).not.toEqual(first);
    expect(await order({}, { seed: 2 })).not.toEqual(first);
  });

  test.each([0, 1, 49, 50, 51, 120, 249, 250, 300])('skip %i gives the rest of the uninterrupted order', async (skip) => {
    for (const shuffle of [true, false]) {
      const whole = await order({ shuffle });
      expect(whole).toHaveLength(250);
      expect(await order({ shuffle }, { skip })).toEqual(whole.slice(skip));
    }
  });

  test('skip does not tokenise the pools that it leaves out', async () => {
    const fresh = wordModel([billing, shipping]);
    await order({}, { model: fresh, skip: 200 }); // 250 batches are 5 pools of 50.
    expect(fresh.tokenizer.texts).toHaveLength(400);
  });

  test('tokens are made at most a pool ahead', async () => {
    const fresh = wordModel([billing, shipping]);
    for await (const batch of open(batches(many(2000), { batchSize: 8 }), { model: fresh })) {
      disposeBatch(batch);
      break;
    }
    expect(fresh.tokenizer.texts.length).toBeLessThanOrEqual(800);
  });

  test('rows of similar length share a batch', async () => {
    const padding = async (shuffle: boolean) => {
      const rows = many(2000).sort((a, b) => ((Number(a.id) * 7919) % 2000) - ((Number(b.id) * 7919) % 2000));
      const sizes = await collect(open(batches(rows, { batchSize: 8, shuffle })), async ({ inputs }) => [
        inputs.ids.size,
        [...(await inputs.mask.data())].filter((one) => one === 1).length,
      ]);
      const [all, real] = [0, 1].map((which) => sizes.reduce((sum, pair) => sum + pair[which]!, 0));
      return 1 - real! / all!;
    };
    expect(await padding(true)).toBeLessThan(0.02);
    expect(await padding(false)).toBeGreaterThan(0.2);
  });

  test('dropLast leaves out what does not fill a batch, and not the longest rows', async () => {
    const rows = many(21);
    const longest = rows.filter(({ text }) => text.split(' ').length === 9).map(({ id }) => id);
    const seen = new Set<string>();
    for (let epoch = 0; epoch < 10; epoch++) {
      const got = await order({ dropLast: true }, { epoch }, rows);
      expect(got.map((batch) => batch.length)).toEqual([8, 8]);
      for (const id of got.flat()) seen.add(id);
    }
    expect(longest.every((id) => seen.has(id!))).toBe(true);
  });

  test('balanced: each class as often, rare rows repeat', async () => {
    const rows: Example[] = [
      ...Array.from({ length: 90 }, (_, i) => ({ id: `${i}`, text: 'a', label: 'invoice' })),
      ...Array.from({ length: 10 }, (_, i) => ({ id: `r${i}`, text: 'b', label: 'refund' })),
    ];
    const got = (await collect(open(batches(rows, { head: billing, balanced: true, batchSize: 8 })), idsOf)).flat();
    const rare = got.filter((id) => id.startsWith('r'));
    expect([got.length, rare.length]).toEqual([100, 50]);
    expect(new Set(rare).size).toBe(10); // Gone through completely: each of the ten five times.
    expect(new Set(got.filter((id) => !id.startsWith('r'))).size).toBe(50);
  });
});

describe('heads', () => {
  const mixed: Example[] = [
    { text: 'a', label: 'refund' },
    { text: 'b', label: 'late' },
  ];
  const headFor = ({ label }: Example) => (label === 'refund' ? billing : shipping);
  const read = async ({ labels, classes }: Labeled) => ({ labels: await labels.array(), classes: await classes!.array() });

  test('each row has the classes of its own head', async () => {
    const recipe = batches(mixed, { head: headFor, shuffle: false });
    expect(await collect(recipe.open({ model, seed: 1, epoch: 0 }), read)).toEqual([
      {
        labels: [1, 4],
        classes: [
          [1, 1, 0, 0, 0],
          [0, 0, 1, 1, 1],
        ],
      },
    ]);
  });

  test('or those of the heads given', async () => {
    const recipe = batches(mixed, { head: headFor, shuffle: false, classes: [billing, shipping] });
    const [both] = await collect(recipe.open({ model, seed: 1, epoch: 0 }), read);
    expect(both!.classes).toEqual([
      [1, 1, 1, 1, 1],
      [1, 1, 1, 1, 1],
    ]);
  });

  test('a label outside of them is refused, and nothing leaks', async () => {
    const before = tf.memory().numTensors;
    const recipe = batches(mixed, { head: headFor, shuffle: false, classes: [billing] });
    expect((await failure(collect(open(recipe), () => undefined))).message).toContain(
      "head 'shipping', which is not among `classes` (billing)",
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a head of another model is refused', async () => {
    const recipe = batches(mixed.slice(0, 1), { head: headOf('other', ['refund'], 7) });
    expect((await failure(collect(open(recipe), () => undefined))).message).toContain(
      "head 'other' ends at column 8, but the model has 5 classes",
    );
  });
});

describe('rehearsal', () => {
  const old: Example = { id: 'old', text: 'where is it', label: 'lost' };
  const rehearse: Rehearsal = { draw: () => [{ example: old, head: shipping }] };

  test('remembered rows come last, with their own head, and both means count', async () => {
    const recipe = batches(many(3), { head: billing, rehearse, shuffle: false });
    const [got] = await collect(recipe.open({ model, seed: 1, epoch: 0 }), async (batch) => ({
      ids: idsOf(batch),
      labels: await batch.labels.array(),
      shares: await batch.shares!.array(),
      last: (await batch.classes!.array())[3],
    }));
    expect(got!.ids).toEqual(['0', '1', '2', 'old']);
    expect(got!.labels[3]).toBe(3);
    expect(got!.last).toEqual([0, 0, 1, 1, 1]);
    // Σ shareᵢ · lossᵢ = mean(new) + mean(old)
    [1 / 3, 1 / 3, 1 / 3, 1].forEach((share, b) => expect(got!.shares[b]).toBeCloseTo(share, 6));
  });

  test('an empty memory changes nothing', async () => {
    const shares = await collect(
      batches(many(3), { head: billing, rehearse: { draw: () => [] } }).open({ model, seed: 1, epoch: 0 }),
      (batch) => batch.shares,
    );
    expect(shares).toEqual([undefined]);
  });

  test('draws are a function of the batch, also after skip', async () => {
    const random: Rehearsal = { draw: (next) => [{ example: { ...old, id: `${Math.floor(next() * 1e6)}` }, head: shipping }] };
    const recipe = batches(many(64), { head: billing, batchSize: 8, rehearse: random });
    const whole = await collect(open(recipe), idsOf);
    expect(await collect(open(recipe, { skip: 3 }), idsOf)).toEqual(whole.slice(3));
    expect(new Set(whole.map((ids) => ids.at(-1))).size).toBe(8);
  });

  test('is drawn when its batch is asked for, not ahead', async () => {
    let drawn = 0;
    const counting: Rehearsal = { draw: () => (drawn++, []) };
    let taken = 0;
    for await (const batch of open(batches(many(64), { head: billing, batchSize: 8, rehearse: counting }))) {
      disposeBatch(batch);
      expect(drawn).toBe(++taken);
    }
  });
});

describe('what is refused', () => {
  test('unknown and missing labels, all of them, by row', async () => {
    const rows = [{ text: 'a', label: 'invoice' }, { text: 'b', label: 'return' }, { text: 'c' }];
    const error = await failure(collect(open(batches(rows, { head: billing })), () => undefined));
    expect(error.code).toBe('unknown-label');
    expect(error.issues.map(({ message }) => message)).toEqual([
      "label 'return' in row 2 is not in head 'billing'; add it or drop the row",
      "row 3 has no label; head 'billing' needs one: invoice, refund",
    ]);
  });

  test('more than 20 problems are counted', async () => {
    const rows = Array.from({ length: 30 }, () => ({ text: 'a', label: 'x' }));
    const error = await failure(collect(open(batches(rows, { head: billing })), () => undefined));
    expect(error.message).toContain('30 problems');
    expect(error.issues).toHaveLength(21);
    expect(error.issues.at(-1)!.message).toBe('… and 10 more');
  });

  test('a generator object, at once', () => {
    const generator = (function* () {
      yield { text: 'a' };
    })();
    expect(() => batches(generator)).toThrow('a generator object, which can be read only once. Pass an array');
    expect([...generator]).toHaveLength(1); // Looking does not use it up.
  });

  test('a function that returns the same generator again, in its second epoch', async () => {
    const generator = (async function* () {
      await Promise.resolve();
      yield { text: 'a' };
    })();
    const recipe = batches(() => generator);
    expect(await collect(open(recipe), idsOf)).toHaveLength(1);
    const error = await failure(collect(open(recipe, { epoch: 1 }), idsOf));
    expect(error.code).toBe('bad-data');
    expect(error.message).toContain('no examples in epoch 1. If earlier epochs had some, the source ran dry.');
  });

  test('a function that makes a fresh one is fine', async () => {
    const recipe = batches(function* () {
      yield { text: 'a' };
    });
    for (const epoch of [0, 1]) expect(await collect(open(recipe, { epoch }), idsOf)).toHaveLength(1);
  });

  test('a row without text names its fields, not their content', async () => {
    const rows = JSON.parse('[{"text":"a"},{"sentence":"secret"}]') as Example[];
    const error = await failure(collect(open(batches(rows)), idsOf));
    expect(error.message).toContain('row 2 has no text: expected { text: string, … }, got an object with the fields sentence');
    expect(error.message).not.toContain('secret');
  });

  test('a view that some rows lack', async () => {
    const rows: Example[] = [{ text: 'a', views: { other: { text: 'b' } } }, { text: 'c' }];
    expect((await failure(collect(open(batches(rows)), idsOf))).message).toContain("row 2 has no view 'other'");
    const named = [{ text: 'a', views: { labels: { text: 'b' } } }];
    expect((await failure(collect(open(batches(named)), idsOf))).message).toContain("must not be called 'labels'");
  });

  test('options that cannot be', async () => {
    expect(() => batches(many(2), { batchSize: 0 })).toThrow('batchSize must be a whole number ≥ 1, got 0');
    expect(() => batches(many(2), { head: billing, balanced: true, shuffle: false })).toThrow('leave shuffle on');
    expect((await failure(collect(open(batches(many(2), { maxLength: 17 })), idsOf))).message).toContain(
      "more than the model's 16",
    );
    expect((await failure(collect(open(batches(many(2), { dropLast: true })), idsOf))).message).toContain(
      'dropLast leaves nothing of 2 rows',
    );
  });
});
