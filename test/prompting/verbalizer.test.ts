import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { folder } from 'holdfast-small';
import { openFolder } from '../../src/model/folder';
import type { Tokenizer } from '../../src/model/types';
import { pattern } from '../../src/prompting/pattern';
import { verbalizer, type WordsOfLabel } from '../../src/prompting/verbalizer';
import { normalizedLogits, verbalizerLogits, wordLogits } from '../../src/prompting/verbalizerLogits';
import { labelWords, requireWhole, wordPieces } from '../../src/prompting/wordPieces';
import { loadTokenizer } from '../../src/tokenizer/loadTokenizer';
import { fixtureTokenizer, sharedTokenizer } from '../tokenizer/sources';
import { expectClose } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { scoped } from '../support/leaks';
import { describeShared } from '../support/shared';
import { describeSmall } from '../support/small';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const numbers = numberTokenizer(60);

/** One batch row, k = 1, V = 4: words 0 and 1 mean a, word 3 means b. */
const given = () => ({
  scores: tf.tensor3d([[[1, 3, 100, -2]]]),
  words: labelWords([
    [
      { text: '0', weight: 3, ids: [0] },
      { text: '1', weight: 1, ids: [1] },
    ],
    [{ text: '3', weight: 5, ids: [3] }],
  ]),
});

describe('logits by hand', () => {
  test(
    'the weighted mean of the words: ¾ · 1 + ¼ · 3 = 1.5, and −2',
    scoped(async () => {
      const { scores, words } = given();
      await expectClose(words.weights, [0.75, 0.25, 1, 0]);
      await expectClose(verbalizerLogits(scores, words), [1.5, -2]);
    }),
  );

  test(
    'normalised over the words of all labels, the empty place left out: less ln(e + e³ + e⁻²) each',
    scoped(async () => {
      const { scores, words } = given();
      const total = Math.log(Math.exp(1) + Math.exp(3) + Math.exp(-2));
      await expectClose(normalizedLogits(scores, words), [1.5 - total, -2 - total]);
    }),
  );

  test(
    'a word of two pieces: the mean over its masks',
    scoped(async () => {
      const scores = tf.tensor3d([
        [
          [1, 2, 3],
          [10, 20, 30],
        ],
        [
          [0, 0, 5],
          [7, 0, 0],
        ],
      ]); // [2, 2, 3]
      const ids = tf.tensor3d([[[2, 0]], [[0, 1]]], undefined, 'int32');
      await expectClose(wordLogits(scores, { ids }), [6.5, 10.5, 6, 0]);
    }),
  );

  test(
    'the gradient goes to the words alone',
    scoped(async () => {
      const { scores, words } = given();
      const slope = tf.grad((x) => tf.sum(verbalizerLogits(x as tf.Tensor3D, words)))(scores);
      await expectClose(slope, [0.75, 0.25, 0, 1]);
    }),
  );
});

describe('words', () => {
  test('one, several, or with weights; the labels keep their order', () => {
    const { labels, words } = verbalizer({ b: 'x', a: ['y', ' z '], c: { v: 2, w: 0.5 } });
    expect(labels).toEqual(['b', 'a', 'c']);
    expect(words.map((list) => list.map(({ text, weight }) => `${text}${weight}`))).toEqual([
      ['x1'],
      ['y1', 'z1'],
      ['v2', 'w0.5'],
    ]);
  });

  test.each<[Record<string, WordsOfLabel>, string]>([
    [{ a: 'x' }, 'verbalizer: needs two labels or more, got a'],
    [{ a: 'x', b: [] }, "label 'b' has no words"],
    [{ a: 'x', b: ' ' }, "label 'b' has an empty word"],
    [{ a: 'x', b: ['y', 'x'] }, "the word 'x' is given for 'a' and for 'b': keep one"],
    [{ a: 'x', b: { y: 0 } }, "the weight of 'y' must be a number"],
  ])('%j is refused', (words, message) => expect(() => verbalizer(words)).toThrow(message));

  test('a word that the vocabulary splits is refused with its pieces, not cut', async () => {
    const task = { pattern: pattern('{mask} {text}'), verbalizer: verbalizer({ a: '9', b: '9.30' }) };
    const words = await wordPieces(task, numbers);
    expect(() => requireWhole(words, task.pattern, numbers)).toThrow(
      "verbalizer: the word '9.30' is 2 tokens ('9', '30'), but '{mask} {text}' has 1 {mask}: take another word, write {mask} 2 times, or",
    );
    const twice = pattern('{mask}{mask} {text}');
    expect(() => requireWhole(words, twice, numbers)).toThrow(
      "the word '9' is 1 token ('9'), but '{mask}{mask} {text}' has 2 {mask}",
    );
  });

  test('words without tokens, and two labels with the same tokens, are refused', async () => {
    const asked = pattern('{mask} {text}');
    const nothing = await failure(wordPieces({ pattern: asked, verbalizer: verbalizer({ a: '9', b: 'x' }) }, numbers));
    expect(nothing.message).toContain("no tokens for the word 'x'");
    const same = await failure(wordPieces({ pattern: asked, verbalizer: verbalizer({ a: '9', b: 'n9' }) }, numbers));
    expect(same.message).toMatch(/the word '.*' of '.' has the same tokens as one of '.'/);
  });
});

const tokensOf = async (tokenizer: Tokenizer, asked: string, ...words: string[]): Promise<string[]> => {
  const [a, ...others] = words;
  const task = { pattern: pattern(asked), verbalizer: verbalizer({ a: a!, b: others }) };
  const pieces = await wordPieces(task, tokenizer);
  return pieces.flat().map(({ ids }) => ids.map((id) => tokenizer.tokenOf(id)).join(' '));
};

describe('the form of a word at its gap', () => {
  test('byte-level tokens: after a space with the space, at the start and within a text without', async () => {
    const tokenizer = await fixtureTokenizer('bpe');
    expect(await tokensOf(tokenizer, 'x {mask} {text}', 'my', 'it')).toEqual(['Ġmy', 'Ġit']);
    expect(await tokensOf(tokenizer, '{mask} {text}', 'my', 'The')).toEqual(['my', 'The']);
    expect(await tokensOf(tokenizer, '"{mask}" {text}', 'my', '款')).toEqual(['my', 'æ¬¾']);
  });
});

describeSmall('holdfast-small', () => {
  test('a Chinese word has no space of its own', async () => {
    const tokenizer = await loadTokenizer(await openFolder(folder));
    expect(await tokensOf(tokenizer, 'x {mask} {text}', 'great', 'Good')).toEqual(['▁great', '▁good']);
    expect(await tokensOf(tokenizer, '很{mask}。{text}', '好', '电影', '新闻')).toEqual(['好', '电影', '新 闻']);
    expect(await tokensOf(tokenizer, '很 {mask}。{text}', '好', '新')).toEqual(['好', '▁新']);
  });
});

describeShared('models/minilm-en-mlm', 'minilm-en-mlm', () => {
  test('words are what they are; an unknown one is refused', async () => {
    const tokenizer = await sharedTokenizer('minilm-en-mlm');
    expect(await tokensOf(tokenizer, 'It was {mask}. {text}', 'Great', 'terrible')).toEqual(['great', 'terrible']);
    expect((await failure(tokensOf(tokenizer, '很{mask}。{text}', '很', '好'))).message).toContain('no tokens for the word');
  });
});

describeShared('models/e5-multilingual', 'e5-multilingual', () => {
  test('after a space with the space, within a text without', async () => {
    const tokenizer = await sharedTokenizer('e5-multilingual');
    expect(await tokensOf(tokenizer, 'It was {mask}. {text}', 'great', 'bad')).toEqual(['▁great', '▁bad']);
    expect(await tokensOf(tokenizer, '这是{mask}新闻:{text}', '电影', '新闻')).toEqual(['电影', '新闻']);
  });
});
