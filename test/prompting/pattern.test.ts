import { describe, expect, test } from 'vitest';
import { folder } from 'holdfast-small';
import { openFolder } from '../../src/model/folder';
import type { Tokenizer } from '../../src/model/types';
import { pattern, type Pattern } from '../../src/prompting/pattern';
import { loadTokenizer } from '../../src/tokenizer/loadTokenizer';
import { fixtureTokenizer, sharedTokenizer } from '../tokenizer/sources';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { describeShared } from '../support/shared';
import { describeSmall } from '../support/small';

const numbers = numberTokenizer(100);
const filledWith = async (
  asked: Pattern,
  text: string,
  { pair, ...room }: { pair?: string; maxLength?: number; masks?: number } = {},
) => {
  const [filled] = await asked.fill([{ text, ...(pair !== undefined && { pair }) }], {
    tokenizer: numbers,
    maxLength: 50,
    ...room,
  });
  return filled!.pair === undefined ? filled!.text : [filled!.text, filled!.pair];
};

describe('by hand', () => {
  test('text, pair and label go into their fields, the mask token into the gap', async () => {
    expect(await filledWith(pattern('It was {mask}. {text}'), '11 12')).toBe('It was [MASK]. 11 12');
    expect(await filledWith(pattern('{text} ? {mask} , {pair}'), '11', { pair: '12' })).toBe('11 ? [MASK] , 12');
    expect(await filledWith(pattern('{text} ?', '{mask}, {pair}'), '11', { pair: '12' })).toEqual(['11 ?', '[MASK], 12']);
    const [filled] = await pattern('{label}: {mask} {text}').fill([{ text: '11', label: 'a', id: 'x', pair: 'unused' }], {
      tokenizer: numbers,
      maxLength: 50,
    });
    expect(filled).toEqual({ text: 'a: [MASK] 11', label: 'a', id: 'x' });
  });

  test('several gaps, each of several masks; Chinese gets no space', async () => {
    expect(await filledWith(pattern('一条{mask}{mask}新闻:{text}'), '股市')).toBe('一条[MASK][MASK]新闻:股市');
    expect(await filledWith(pattern('{text}。很{mask}'), '电影', { masks: 3 })).toBe('电影。很[MASK][MASK][MASK]');
    expect(await filledWith(pattern('{text} It was {mask}.'), '')).toBe('It was [MASK].');
  });

  test('a mask token in the text is no gap, and braces there are no fields', async () => {
    expect(await filledWith(pattern('{text} {mask}'), 'a [MA[MASK]SK] {text}')).toBe('a [MA SK] {text} [MASK]');
  });

  test('views are filled like their example', async () => {
    const example = { text: '11', label: 'a', views: { switched: { text: '12' } } };
    const [filled] = await pattern('{mask} {label} {text}').fill([example], { tokenizer: numbers, maxLength: 50 });
    expect(filled).toEqual({ text: '[MASK] a 11', label: 'a', views: { switched: { text: '[MASK] a 12' } } });
  });
});

describe('a text that is too long', () => {
  test('loses its last tokens, the pattern none', async () => {
    // [CLS] 7 [MASK] 8 … [SEP]: five tokens are not the text's.
    expect(await filledWith(pattern('7 {mask} 8 {text}'), '11 12 13 14', { maxLength: 7 })).toBe('7 [MASK] 8 11 12');
    expect(await filledWith(pattern('{text} 7 {mask} 8'), '11 12 13 14', { maxLength: 5 })).toBe('7 [MASK] 8');
  });

  test('of two texts the longer one first, in one text or in a pair', async () => {
    const [long, short] = ['11 12 13 14 15', '21 22'];
    expect(await filledWith(pattern('{text} ? {mask} {pair}'), long, { pair: short, maxLength: 8 })).toBe(
      '11 12 13 ? [MASK] 21 22',
    );
    expect(await filledWith(pattern('{text} ? {mask} {pair}'), short, { pair: long, maxLength: 7 })).toBe('21 22 ? [MASK] 11 12');
    expect(await filledWith(pattern('{text} ?', '{mask} {pair}'), long, { pair: short, maxLength: 7 })).toEqual([
      '11 ?',
      '[MASK] 21 22',
    ]);
  });

  test('a label is never cut; a pattern that is too long alone is refused', async () => {
    const room = { tokenizer: numbers, maxLength: 5 };
    expect(await pattern('{label} {mask} {text}').fill([{ text: '11 12', label: '9.9' }], room)).toMatchObject([
      { text: '9.9 [MASK]' },
    ]);
    const error = await failure(pattern('7 {mask} 8 {text}').fill([{ text: '11' }], { ...room, maxLength: 4 }));
    expect(error.message).toBe(
      "pattern: '7 {mask} 8 {text}' alone takes 5 tokens, more than maxLength 4: shorten it or allow more",
    );
  });
});

describe('limits', () => {
  test.each([
    ['It was. {text}', "pattern: 'It was. {text}' has no {mask}"],
    ['{mask} {title}', "pattern: '{mask} {title}' has an unknown field {title}; known are {text}, {pair}, {label}, {mask}"],
    ['{mask} {text', "pattern: '{mask} {text' has a brace without its fellow"],
  ])('%s is refused', (text, message) => expect(() => pattern(text)).toThrow(message));

  test('examples that lack a field are named together with the pattern', async () => {
    const error = await failure(
      pattern('{text}, {mask}, {pair}').fill([{ text: '1', pair: '2' }, { text: '3' }, { text: '4' }], {
        tokenizer: numbers,
        maxLength: 9,
      }),
    );
    expect(error.code).toBe('bad-data');
    expect(error.message).toBe(
      "pattern: '{text}, {mask}, {pair}' cannot be filled: 2 problems\n- example 2 has no 'pair'\n- example 3 has no 'pair'",
    );
  });

  test('a tokenizer without a mask token is refused', async () => {
    const { maskId: _id, maskToken: _token, ...without } = numbers;
    const error = await failure(pattern('{mask} {text}').fill([{ text: '1' }], { tokenizer: without, maxLength: 9 }));
    expect(error.message).toContain("'{mask} {text}' needs a mask token");
  });
});

/** Texts that tokenizers find hard to cut: pieces of words, several tokens for a character, no spaces. */
const hard = [
  'unbelievably overcomplicated paperwork, again and again',
  '这部电影非常好看,我们都很喜欢它。',
  'naïve 😀😀 👩‍👩‍👧 café   with    spaces   ',
  'ขอบคุณมากครับ สวัสดี',
  '',
];

/** Whatever the length, the pattern stays whole, and what is left of the text is its beginning. */
async function expectCuts(tokenizer: Tokenizer): Promise<void> {
  const gap = tokenizer.maskToken!;
  for (const asked of [pattern('It was {mask}. {text}'), pattern('{text} It was {mask}{mask}.'), pattern('很{mask}:{text}')]) {
    const [frameBefore, frameAfter] = asked.source.slice(1, -1).replaceAll('{mask}', gap).split('{text}');
    const alone = await asked.fill([{ text: '' }], { tokenizer, maxLength: 500 });
    const [least] = await tokenizer.encode([alone[0]!.text], { maxLength: 500 });
    for (let maxLength = least!.ids.length; maxLength < least!.ids.length + 14; maxLength++) {
      const filled = await asked.fill(
        hard.map((text) => ({ text })),
        { tokenizer, maxLength },
      );
      const tokens = await tokenizer.encode(
        filled.map(({ text }) => text),
        { maxLength: 500 },
      );
      filled.forEach(({ text }, i) => {
        expect(tokens[i]!.ids.length).toBeLessThanOrEqual(maxLength);
        expect(tokens[i]!.ids.filter((id) => id === tokenizer.maskId)).toHaveLength(asked.masks);
        const whole = `${frameBefore}${hard[i]}${frameAfter}`.trim();
        const [start, end] = [frameBefore!.trim(), frameAfter!.trim()];
        expect(text.startsWith(start) && text.endsWith(end)).toBe(true);
        expect(whole.startsWith(text.slice(0, text.length - end.length).trim())).toBe(true);
        expect(text).not.toMatch(/\p{Surrogate}/u);
      });
    }
  }
}

describe('byte-level tokens (RoBERTa)', () => {
  test('the gap is one token, and the words around it keep their space', async () => {
    const tokenizer = await fixtureTokenizer('bpe');
    const [filled] = await pattern('my {mask} order. {text}').fill([{ text: 'the invoice' }], { tokenizer, maxLength: 50 });
    const [tokens] = await tokenizer.encode([filled!.text], { maxLength: 50 });
    expect(
      tokens!.ids
        .map((id) => tokenizer.tokenOf(id))
        .slice(1, -1)
        .join(' '),
    ).toBe('my <mask> Ġorder . Ġthe Ġinvoice');
    await expectCuts(tokenizer);
  });
});

describeSmall('holdfast-small', () => {
  test('the gap is one token; texts are cut, the pattern is not', async () => {
    const tokenizer = await loadTokenizer(await openFolder(folder));
    const [filled] = await pattern('一条{mask}{mask}新闻:{text}').fill([{ text: '电影' }], { tokenizer, maxLength: 50 });
    const [tokens] = await tokenizer.encode([filled!.text], { maxLength: 50 });
    expect(tokens!.ids.filter((id) => id === tokenizer.maskId)).toHaveLength(2);
    await expectCuts(tokenizer);
  });
});

for (const model of ['minilm-en-mlm', 'e5-multilingual'])
  describeShared(`models/${model}`, model, () => {
    test('texts are cut, the pattern is not', async () => expectCuts(await sharedTokenizer(model)));
  });
