import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Batch, Labeled } from '../../src/core/types';
import { batches, disposeBatch, type Batches, type Example, type OpenOptions } from '../../src/data';
import type { TextInput, TextModel, Tokenizer, Tokens } from '../../src/model/types';
import { maskTokens, type Masked, type MaskTokensOptions } from '../../src/prompting';
import { maskedRow } from '../../src/prompting/maskedRow';
import { headOf, wordModel } from '../data/words';
import { failure } from '../support/failure';

beforeAll(() => tf.setBackend('cpu'));

const [PAD, CLS, SEP, MASK] = [0, 1, 2, 3];
const special = [PAD, CLS, SEP, MASK];
const SIZE = 1000;

/** '17x3 20' → [CLS] 17 17 17 20 [SEP]: three pieces of one word, one of the next; a pair has types and a second [SEP]. */
const pieceTokenizer: Tokenizer = {
  vocabularySize: SIZE,
  padId: PAD,
  maskId: MASK,
  maskToken: '[MASK]',
  specialIds: special,
  encode: (inputs, { maxLength }) => Promise.resolve(inputs.map((input) => tokensOf(input, maxLength))),
  idOf: Number,
  tokenOf: String,
  decode: (ids) => Promise.resolve(ids.join(' ')),
  dispose: () => {},
};

function tokensOf(input: TextInput, maxLength: number): Tokens {
  const parts = [input].flat().map((text: string) =>
    text.split(' ').flatMap((word, number) => {
      const [id, pieces = '1'] = word.split('x');
      return id === '' ? [] : Array.from({ length: Number(pieces) }, () => ({ id: Number(id), word: number }));
    }),
  );
  while (parts.flat().length > maxLength - 1 - parts.length) parts.reduce((a, b) => (b.length > a.length ? b : a)).pop();
  const end = { id: SEP, word: null, sequence: null };
  const all = [
    { id: CLS, word: null, sequence: null, type: 0 },
    ...parts.flatMap((part, s) =>
      [...part.map((piece) => ({ ...piece, sequence: s as 0 | 1 })), end].map((t) => ({ ...t, type: s })),
    ),
  ];
  return {
    ids: all.map(({ id }) => id),
    types: all.map(({ type }) => type),
    offsets: all.map(() => [0, 0]),
    words: all.map(({ word }) => word),
    sequences: all.map(({ sequence }) => sequence),
  };
}

const modelWith = (maxLength: number): TextModel => ({ ...wordModel([], maxLength), tokenizer: pieceTokenizer });
const model = modelWith(128);

interface Seen {
  readonly length: number;
  readonly ids: number[];
  readonly hidden: number[];
  readonly mask: number[];
  readonly positions: number[];
  readonly targets: number[];
}

async function collect(recipe: Batches<Batch & Masked>, opening: Partial<OpenOptions> = {}): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const batch of recipe.open({ model, seed: 1, epoch: 0, ...opening })) {
    const { inputs, masked } = batch;
    const numbers = [inputs.ids, masked.inputs.ids, masked.inputs.mask, masked.positions, masked.targets];
    const [ids, hidden, mask, positions, targets] = await Promise.all(
      numbers.map(async (tensor) => Array.from(await tensor.data())),
    );
    seen.push({ length: inputs.ids.shape[1], ids: ids!, hidden: hidden!, mask: mask!, positions: positions!, targets: targets! });
    disposeBatch(batch);
  }
  return seen;
}

const inOrder = (texts: readonly (string | Example)[], batchSize = 32) =>
  batches(
    texts.map((text) => (typeof text === 'string' ? { text } : text)),
    { shuffle: false, batchSize },
  );
const maskedTexts = (texts: readonly (string | Example)[], options?: MaskTokensOptions, opening?: Partial<OpenOptions>) =>
  collect(maskTokens(inOrder(texts), options), opening);

/** `count` words, each of its own id. */
const words = (count: number, from = 10): string => Array.from({ length: count }, (_, i) => from + i).join(' ');

describe('by hand', () => {
  test('rate 1 predicts each ordinary token and no special one; the batch itself stays whole', async () => {
    const [batch] = await maskedTexts(['11 12 13', '14'], { rate: 1 });
    expect(batch).toMatchObject({
      ids: [CLS, 11, 12, 13, SEP, CLS, 14, SEP, PAD, PAD],
      mask: [1, 1, 1, 1, 1, 1, 1, 1, 0, 0],
      positions: [1, 2, 3, 6],
      targets: [11, 12, 13, 14],
    });
    const { ids, hidden } = batch!;
    for (const at of [0, 4, 5, 7, 8, 9]) expect(hidden[at]).toBe(ids[at]);
  });

  const choose = (chance: number, draws: readonly number[] = []) => {
    const numbers = [...draws];
    // The order of a single group takes no draw, so the first one decides what is put there.
    const random = () => (numbers.length > 0 ? numbers.shift()! : chance);
    return maskedRow([[7]], { rate: 0.15, count: 1, vocabulary: { maskId: MASK, size: 10, special: new Set(special) }, random });
  };
  test('below 0.8 the mask token, below 0.9 a random one, else its own', () => {
    expect(choose(0)).toEqual([{ at: 7, id: MASK }]);
    expect(choose(0.799)).toEqual([{ at: 7, id: MASK }]);
    expect(choose(0, [0.8, 0.75])).toEqual([{ at: 7, id: 7 }]);
    expect(choose(0.9)).toEqual([{ at: 7 }]);
    expect(choose(0.999)).toEqual([{ at: 7 }]);
  });
  test('a special token that is drawn is drawn again', () => {
    expect(choose(0, [0.85, 0.1, 0.3, 0.5])).toEqual([{ at: 7, id: 5 }]);
  });

  test('a pair is masked on both sides, and keeps its types', async () => {
    const recipe = maskTokens(inOrder([{ text: words(40), pair: words(40, 60) }]));
    for await (const batch of recipe.open({ model, seed: 1, epoch: 0 })) {
      expect(batch.masked.inputs.types).toBe(batch.inputs.types);
      const at = await batch.masked.positions.array();
      expect(at).toHaveLength(12);
      expect(at.some((t) => t < 41) && at.some((t) => t > 41)).toBe(true);
      disposeBatch(batch);
    }
  });
});

describe('how many', () => {
  test('each row gives max(1, round(0.15 · n)) of its n tokens', async () => {
    const counts = Array.from({ length: 32 }, (_, i) => 2 * i + 1);
    const [batch] = await maskedTexts(counts.map((count) => words(count)));
    expect(perRow(batch!)).toEqual(counts.map((count) => Math.max(1, Math.round(0.15 * count))));
  });

  test('another rate, another share', async () => {
    const [batch] = await maskedTexts([words(10), words(3)], { rate: 0.4 });
    expect(perRow(batch!)).toEqual([4, 1]);
  });

  test('the positions ascend, without doubles, and the targets are what stood there', async () => {
    for (const { ids, positions, targets } of await maskedTexts([words(50), words(30), words(7)], { rate: 0.5 })) {
      expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
      expect(targets).toEqual(positions.map((at) => ids[at]));
    }
  });
});

const perRow = ({ positions, ids, length }: Seen): number[] =>
  Array.from({ length: ids.length / length }, (_, b) => positions.filter((at) => Math.floor(at / length) === b).length);

describe('statistics of many draws', () => {
  const ROWS = 32;
  const LENGTH = 100;
  const EPOCHS = 40;
  const many = async (options: MaskTokensOptions = {}) => {
    const texts = Array.from({ length: ROWS }, (_, i) => words(LENGTH, 10 + 20 * i));
    const all: Seen[] = [];
    for (let epoch = 0; epoch < EPOCHS; epoch++) all.push(...(await maskedTexts(texts, options, { epoch })));
    return all;
  };
  const N = 0.15 * ROWS * LENGTH * EPOCHS;
  /** Four standard deviations of a share of `of` draws. */
  const margin = (share: number, of = N) => 4 * Math.sqrt((share * (1 - share)) / of);

  test('15 %, of these 80 / 10 / 10; random tokens are ordinary ones, from the whole vocabulary; all places alike', async () => {
    const all = await many();
    const places = Array<number>(LENGTH).fill(0);
    const drawn: number[] = [];
    let [total, masks, kept] = [0, 0, 0];
    for (const { ids, hidden, positions, length } of all) {
      total += positions.length;
      hidden.forEach((id, at) => {
        if (id !== ids[at]) expect(positions).toContain(at);
      });
      for (const at of positions) {
        places[(at % length) - 1]!++;
        if (hidden[at] === MASK) masks++;
        else if (hidden[at] === ids[at]) kept++;
        else drawn.push(hidden[at]!);
      }
    }
    expect(total).toBe(N);
    expect(Math.abs(masks / N - 0.8)).toBeLessThan(margin(0.8));
    expect(Math.abs(kept / N - 0.1)).toBeLessThan(margin(0.1));
    expect(Math.abs(drawn.length / N - 0.1)).toBeLessThan(margin(0.1));
    for (const id of drawn) expect(special).not.toContain(id);
    const middle = (special.length + SIZE - 1) / 2;
    const spread = (SIZE - special.length) / Math.sqrt(12);
    const mean = drawn.reduce((sum, id) => sum + id, 0) / drawn.length;
    expect(Math.abs(mean - middle)).toBeLessThan((4 * spread) / Math.sqrt(drawn.length));
    for (const count of places) expect(Math.abs(count / (ROWS * EPOCHS) - 0.15)).toBeLessThan(margin(0.15, ROWS * EPOCHS));
  });
});

describe('whole words', () => {
  const text = '10x3 11 12x2 13x4 14 15 16x2 17 18x3 19x2';
  const wordsAt = [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10], [11], [12], [13, 14], [15], [16, 17, 18], [19, 20]];

  test('all pieces of a word or none, and never more than the share', async () => {
    const counts: number[] = [];
    for (let epoch = 0; epoch < 50; epoch++) {
      const [{ positions }] = (await maskedTexts([text], { rate: 0.3, wholeWord: true }, { epoch })) as [Seen];
      for (const word of wordsAt) expect([0, word.length]).toContain(word.filter((at) => positions.includes(at)).length);
      counts.push(positions.length);
    }
    // 0.3 of 20 pieces.
    expect(Math.max(...counts)).toBe(6);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  test('without it words are torn', async () => {
    const torn = await Promise.all(
      Array.from({ length: 10 }, async (_, epoch) => {
        const [{ positions }] = (await maskedTexts([text], { rate: 0.3 }, { epoch })) as [Seen];
        return wordsAt.some((word) => word.some((at) => positions.includes(at)) && !word.every((at) => positions.includes(at)));
      }),
    );
    expect(torn).toContain(true);
  });

  test('a text of one long word is predicted whole', async () => {
    const [batch] = await maskedTexts(['10x8'], { wholeWord: true });
    expect(batch!.positions).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('words of the same number on both sides of a pair are two', async () => {
    for (let epoch = 0; epoch < 10; epoch++) {
      const [batch] = await maskedTexts([{ text: '10x3', pair: '20x3' }], { wholeWord: true }, { epoch });
      expect([
        [1, 2, 3],
        [5, 6, 7],
      ]).toContainEqual(batch!.positions);
    }
  });

  test('in a text that was cut, what is left of the last word is a word', async () => {
    // Of the second word two pieces of five are left; a shorter row stands beside it.
    const recipe = maskTokens(inOrder(['10x2 11x5', '12x2']), { rate: 1, wholeWord: true });
    const [batch] = await collect(recipe, { model: modelWith(6) });
    expect(batch).toMatchObject({ ids: [CLS, 10, 10, 11, 11, SEP, CLS, 12, 12, SEP, PAD, PAD], positions: [1, 2, 3, 4, 7, 8] });
  });
});

describe('the draws are a function of seed, epoch and batch number', () => {
  const texts = Array.from({ length: 20 }, (_, i) => words(20, 10 + i));
  const recipe = maskTokens(
    batches(
      texts.map((text) => ({ text })),
      { batchSize: 3 },
    ),
  );

  test('the same run masks the same; another seed or epoch does not', async () => {
    const first = await maskedTexts(texts);
    expect(await maskedTexts(texts)).toEqual(first);
    expect(await maskedTexts(texts, {}, { seed: 2 })).not.toEqual(first);
    expect(await maskedTexts(texts, {}, { epoch: 1 })).not.toEqual(first);
  });

  test('equal batches of one epoch are masked differently', async () => {
    const [one, two] = await collect(maskTokens(inOrder(Array<string>(2).fill(words(60)), 1)));
    expect(two!.ids).toEqual(one!.ids);
    expect(two!.positions).not.toEqual(one!.positions);
  });

  test('a resumed stream draws what was still to come', async () => {
    const all = await collect(recipe, { epoch: 2 });
    expect(all).toHaveLength(7);
    for (const skip of [1, 4, 6]) expect(await collect(recipe, { epoch: 2, skip })).toEqual(all.slice(skip));
  });
});

describe('limits', () => {
  test('a rate out of range is refused with the value', () => {
    for (const rate of [0, -0.1, 1.5, NaN])
      expect(() => maskTokens(inOrder(['10']), { rate })).toThrow(new RegExp(`rate must be a number .*, got ${rate}`));
  });

  test('a tokenizer without a mask token is refused', async () => {
    const error = await failure(collect(maskTokens(inOrder(['10'])), { model: wordModel() }));
    expect(error.code).toBe('bad-argument');
    expect(error.message).toContain('no mask token');
  });

  test('a row of special tokens gives nothing to predict, a batch of them is refused', async () => {
    const [batch] = await maskedTexts(['1', '10']);
    expect(perRow(batch!)).toEqual([0, 1]);
    const error = await failure(maskedTexts(['1', '2']));
    expect(error.code).toBe('bad-data');
    expect(error.message).toContain('none of the 2 rows');
  });

  test('labels and views pass through', async () => {
    const head = headOf('billing', ['invoice']);
    const labelled = { ...model, heads: [head], classCount: 1 };
    const recipe = maskTokens(batches([{ text: '10 11', label: 'invoice' }], { head }));
    expectTypeOf(recipe).toExtend<Batches<Labeled & Masked>>();
    for await (const batch of recipe.open({ model: labelled, seed: 1, epoch: 0 })) {
      expect(await batch.labels.array()).toEqual([0]);
      expect(batch.vocabulary).toBeDefined();
      expect(batch.masked.inputs.places).toBeUndefined();
      disposeBatch(batch);
    }
  });
});
