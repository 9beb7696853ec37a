import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import type { Encoded, Model, Weights } from '../../src/core/types';
import { alignWords, type WordAligned } from '../../src/crosslingual/alignWords';
import type { Parallel } from '../../src/crosslingual/aligned';
import { dictionary } from '../../src/crosslingual/dictionary';
import { cosineDistance, squaredDistance, wordAlignment } from '../../src/crosslingual/wordAlignment';
import { dictionaryPairs, pharaohPairs, type WordPairs } from '../../src/crosslingual/wordPairs';
import { batches } from '../../src/data/batches';
import { disposeBatch } from '../../src/data/disposeBatch';
import type { TextModel, Tokenizer, Tokens } from '../../src/model/types';
import { expectClose, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { failure } from '../support/failure';
import { fixture } from '../support/fixture';
import { anyInputs } from '../support/given';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy, toyBatch, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Measured {
  readonly loss: number;
  readonly p: number[];
  readonly q: number[];
}
const { words: torch } = fixture<{
  readonly words: {
    readonly u: number[];
    readonly v: number[];
    readonly shapes: [[number, number, number], [number, number, number]];
    readonly sources: number[];
    readonly targets: number[];
    readonly squared: Measured;
    readonly cosine: Measured;
  };
}>('crosslingual.json');

const pairsAt = (sources: number[], targets: number[]): WordAligned['wordPairs'] => ({
  sources: tf.tensor1d(sources, 'int32'),
  targets: tf.tensor1d(targets, 'int32'),
  weights: tf.fill([sources.length], 1 / sources.length),
});

/** Its states are its weight `u` for the text and its weight `v` for the translation. */
function stated(inputs: Encoded): Model {
  const weights: Weights = {
    u: tf.variable(tf.tensor3d(torch.u, torch.shapes[0])),
    v: tf.variable(tf.tensor3d(torch.v, torch.shapes[1])),
  };
  return {
    ...{ weights, trainable: ['u', 'v'], hiddenSize: torch.shapes[0][2], embeddingTable: 'none' },
    tokenLogits: (hidden) => hidden,
    forward: (given, { weights: at = weights } = {}) => ({
      hidden: at[given === inputs ? 'u' : 'v'] as tf.Tensor3D,
      ...{ logits: tf.zeros([1, 1]), pooled: tf.zeros([1, 1]) },
    }),
  };
}

const batch = (): WordAligned => ({
  ...toyBatch([[1, 2, 3], [4, 5]], [0, 2]), // prettier-ignore
  translation: toyBatch([[7, 1], [8, 9]], [0, 0]).inputs, // prettier-ignore
  wordPairs: pairsAt([0, 2, 3], [1, 0, 3]),
});

describe('wordAlignment', () => {
  test(
    'by hand: (3, 4) and (0, 0) are 25 apart; (1, 0) and (0, 2) at a right angle',
    scoped(async () => {
      const [u, v] = [tf.tensor2d([3, 4, 1, 0], [2, 2]), tf.tensor2d([0, 0, 0, 2], [2, 2])];
      await expectClose(squaredDistance(u, v), [25, 5]);
      await expectClose(cosineDistance(u, v), [1, 1]);
    }),
  );

  test(
    'gradients: central differences',
    scoped(async () => {
      const few = { weights: ['dense.weight', 'embeddings.word_embeddings.weight'], entries: 3 };
      await expectGradient(wordAlignment(), toy(), batch(), few);
      await expectGradient(wordAlignment({ distance: cosineDistance }), toy(), batch(), few);
    }),
  );

  test.each([['squared', squaredDistance], ['cosine', cosineDistance]] as const)('equals PyTorch, value and gradients: %s', (name, distance) =>
    scoped(async () => {
      const inputs = anyInputs();
      const given = { inputs, examples: [], translation: anyInputs(), wordPairs: pairsAt(torch.sources, torch.targets) };
      const { loss, grads } = gradientsOf(wordAlignment({ distance }), stated(inputs))(given);
      const near = { absolute: 1e-5, relative: 1e-5 };
      await expectClose(loss, torch[name].loss, near);
      await expectClose(grads['u']!, torch[name].p, near);
      await expectClose(grads['v']!, torch[name].q, near);
    })(),
  ); // prettier-ignore

  test(
    'limits: a text with itself is 0, and so is a batch without pairs, gradients included',
    scoped(async () => {
      const given = batch();
      const same = { ...given, translation: given.inputs, wordPairs: pairsAt([0, 2, 4], [0, 2, 4]) };
      const none = { ...given, wordPairs: { ...pairsAt([0], [0]), weights: tf.zeros<tf.Rank.R1>([1]) } };
      for (const at of [same, none]) {
        const { loss, grads } = gradientsOf(wordAlignment(), toy())(at);
        await expectClose(loss, 0);
        for (const grad of Object.values(grads)) await expectClose(grad, Array<number>(grad.size).fill(0));
      }
    }),
  );
});

const small = dictionary({
  de: [['my', 'meine'], ['my', 'mein'], ['invoice', 'Rechnung'], ['pay', 'zahlen']],
  zh: [['my', '我的'], ['invoice', '发票']],
}); // prettier-ignore
/** The words of each pair. */
const shown = (pairs: WordPairs, text: string, translation: string) =>
  pairs(text, translation, { text }).map(([[a, b], [c, d]]) => [text.slice(a, b), translation.slice(c, d)]);

describe('pairs of words', () => {
  test('by dictionary: whole words in either case, each place once, Chinese without spaces', () => {
    const de = dictionaryPairs(small, 'de');
    expect(shown(de, 'Pay my invoice, my INVOICE', 'Meine Rechnung bezahlen, mein Geld')).toEqual([
      ['my', 'Meine'],
      ['invoice', 'Rechnung'],
      ['my', 'mein'],
    ]);
    expect(shown(dictionaryPairs(small, 'zh'), 'where is my invoice', '我的发票在哪里')).toEqual([['my', '我的'], ['invoice', '发票']]); // prettier-ignore
    expect(() => dictionaryPairs(small, 'fr')).toThrow("the dictionary has no language 'fr'; it has de, zh");
    expect(shown(dictionaryPairs(dictionary({ x: [['plus', 'c++ (x)']] }), 'x'), 'plus', 'a C++ (X)')).toEqual([
      ['plus', 'C++ (X)'],
    ]);
  });

  test('from an aligner: words between white space, counted from 0', () => {
    const pairs = pharaohPairs(() => ' 0-1  2-0 ');
    expect(shown(pairs, 'my  red invoice', 'Rechnung meine')).toEqual([['my', 'meine'], ['invoice', 'Rechnung']]); // prettier-ignore
    for (const wrong of ['0-2', '0:1', '3-0'])
      expect(() => pharaohPairs(() => wrong)('a b', 'c d', { text: 'a b' })).toThrow(
        `'${wrong}' pairs no words of texts that have 2 and 2`,
      );
  });
});

/** Letters are tokens, and numbers of their own in the alphabet; a first token stands for the text. */
const lettersTokenizer: Tokenizer = {
  ...toyTokenizer(11),
  encode: async (texts, { maxLength }) =>
    texts.map((text): Tokens => {
      const letters = [...[text].flat().join('').matchAll(/\S/g)].slice(0, maxLength - 1);
      return {
        ids: [1, ...letters.map(([letter]) => 2 + (letter.codePointAt(0)! % 9))],
        types: [0, ...letters.map(() => 0)],
        offsets: [[0, 0], ...letters.map(({ index }) => [index, index + 1] as [number, number])],
        words: [null, ...letters.map(() => 0)],
        sequences: [null, ...letters.map(() => 0 as const)],
      };
    }),
};

describe('alignWords', () => {
  const lettered = (): TextModel => ({ ...toy(), tokenizer: lettersTokenizer });
  const row = (text: string, translation: string) => ({ text, views: { translation: { text: translation } } });

  test('a word is its last token, in the row’s place of the batch; weights add up to 1', () =>
    scoped(async () => {
      const rows = [row('my invoice', 'meine Rechnung'), row('pay', 'zahlen'), row('no', 'nein')];
      const data = alignWords(batches(rows, { shuffle: false }), { pairs: dictionaryPairs(small, 'de') });
      for await (const given of data.open({ model: lettered(), seed: 0, epoch: 0 })) {
        const [T, S] = [given.inputs.ids.shape[1], given.translation.ids.shape[1]];
        expect([T, S]).toEqual([10, 14]);
        expect(await valuesOf(given.wordPairs.sources)).toEqual([2, 9, T + 3]);
        expect(await valuesOf(given.wordPairs.targets)).toEqual([5, 13, S + 6]);
        await expectClose(given.wordPairs.weights, [1 / 3, 1 / 3, 1 / 3]);
        expect(await valuesOf(gradientsOf(wordAlignment(), lettered())(given).loss)).not.toEqual([0]);
      }
    })());

  test('a word that was cut off takes no part; a batch without pairs counts nothing', () =>
    scoped(async () => {
      const cut = async (rows: ReturnType<typeof row>[], maxLength: number) => {
        const data = alignWords(batches(rows, { maxLength }), { pairs: dictionaryPairs(small, 'de') });
        for await (const { wordPairs } of data.open({ model: lettered(), seed: 0, epoch: 0 }))
          return [await valuesOf(wordPairs.sources), await valuesOf(wordPairs.weights)];
        return [];
      };
      expect(await cut([row('my invoice', 'meine Rechnung')], 9)).toEqual([[2], [1]]);
      expect(await cut([row('no', 'nein')], 9)).toEqual([[0], [0]]);
    })());

  test('the batch and its pairs are freed together, also where no pairs can be found', async () => {
    const model = lettered();
    const wrong = pharaohPairs(() => '9-9');
    for (const pairs of [dictionaryPairs(small, 'de'), wrong])
      await expectNoLeak(async () => {
        const read = async () => {
          const data = alignWords(batches([row('my invoice', 'meine Rechnung')]), { pairs });
          for await (const given of data.open({ model, seed: 0, epoch: 0 })) disposeBatch(given satisfies Parallel);
        };
        if (pairs === wrong) expect((await failure(read())).code).toBe('bad-data');
        else await read();
      });
    tf.dispose(Object.values(model.weights));
  });
});
