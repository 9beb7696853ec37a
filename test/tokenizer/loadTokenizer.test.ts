import { describe, expect, test } from 'vitest';
import { loadTokenizer } from '../../src/tokenizer/loadTokenizer';
import type { TextInput, Tokens } from '../../src/model/types';
import { filesOf, fixtureJson, fixtureTokenizer, libraries } from './sources';
import { failure } from '../support/failure';

const maxLength = 64;
const texts = [
  'Where is my invoice?',
  '  two   spaces\tand\nlines  ',
  'NAÏVE Größe é e\u0301 ﬁ ①',
  '😀 first, then 🎉🎉 and 👩‍👩‍👧!',
  '我的包裹在哪里？',
  'a [MASK] b <mask>. [MASK][MASK] c  <mask> ',
  "I've paid it's l'ai 19.99 € `` '' ¿Dónde?",
  'ΟΔΥΣΣΕΥΣ İstanbul',
  'x'.repeat(120),
  '',
  ' ',
  'lone \ud83d surrogate',
  'हिंदी 한\u0301국 a\u20dd',
];
const pairs: TextInput[] = texts.map((text, i) => [text, texts[(i + 5) % texts.length]!] as const);
/** What each token covers in its text. */
const spans = (text: string, { offsets, sequences }: Tokens): string[] =>
  offsets.filter((_, t) => sequences[t] === 0).map(([start, end]) => text.slice(start, end));

describe.each(libraries)('with %s', (library) => {
  test('by hand: ids, types, offsets, words and sequences of a pair', async () => {
    const tokenizer = await fixtureTokenizer('wordpiece', { library });
    const [tokens] = await tokenizer.encode([['My 😀 [MASK]', 'order.']], { maxLength });
    expect(tokens!.ids.map((id) => tokenizer.tokenOf(id))).toEqual([
      '[CLS]',
      'my',
      '😀',
      '[MASK]',
      '[SEP]',
      'order',
      '.',
      '[SEP]',
    ]);
    expect(tokens).toEqual({
      ids: tokens!.ids,
      types: [0, 0, 0, 0, 0, 1, 1, 1],
      // UTF-16: the emoji takes two units.
      offsets: [
        [0, 0],
        [0, 2],
        [3, 5],
        [6, 12],
        [0, 0],
        [0, 5],
        [5, 6],
        [0, 0],
      ],
      words: [null, 0, 1, 2, null, 0, 1, null],
      sequences: [null, 0, 0, 0, null, 1, 1, null],
    });
  });

  test('the file says 6 tokens and padding to 32; neither happens', async () => {
    const tokenizer = await fixtureTokenizer('wordpiece', { library });
    const [tokens] = await tokenizer.encode(['my order my invoice my parcel the order'], { maxLength });
    expect(tokens!.ids).toHaveLength(10);
  });

  test('offsets cover the words without the spaces around them', async () => {
    const text = 'my order, my 😀  café!';
    for (const name of ['wordpiece', 'bpe', 'unigram']) {
      const tokenizer = await fixtureTokenizer(name, { library });
      const [tokens] = await tokenizer.encode([text], { maxLength });
      const covered = spans(text, tokens!);
      expect(covered.every((part) => part === part.trim())).toBe(true);
      expect(
        [
          ...new Set(
            tokens!.offsets
              .filter((_, t) => tokens!.sequences[t] === 0)
              .flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i)),
          ),
        ]
          .map((unit) => text[unit])
          .join(''),
      ).toBe(text.replaceAll(' ', ''));
    }
  });

  test('RoBERTa: two separators and no types', async () => {
    const tokenizer = await fixtureTokenizer('bpe', { library });
    const [tokens] = await tokenizer.encode([['my', 'order']], { maxLength });
    expect(await tokenizer.decode(tokens!.ids)).toBe('<s>my</s></s>order</s>');
    expect(new Set(tokens!.types)).toEqual(new Set([0]));
  });

  test('a pair is cut at its longer text, special tokens stay', async () => {
    const tokenizer = await fixtureTokenizer('wordpiece', { library });
    const cut = async (first: number, second: number, most: number) => {
      const [{ sequences, ids }] = (await tokenizer.encode([['my '.repeat(first), 'my '.repeat(second)]], {
        maxLength: most,
      })) as [Tokens];
      expect([ids[0], ids.at(-1)]).toEqual([2, 3]);
      return [0, 1].map((which) => sequences.filter((one) => one === which).length);
    };
    expect(await cut(2, 9, 10)).toEqual([2, 5]); // 7 places
    expect(await cut(9, 2, 10)).toEqual([5, 2]);
    expect(await cut(9, 9, 10)).toEqual([3, 4]);
    expect(await cut(10, 9, 10)).toEqual([4, 3]);
    expect(await cut(9, 9, 3)).toEqual([0, 0]);
    expect((await failure(cut(9, 9, 2))).message).toContain('at least 3, the special tokens; got 2');
    expect((await failure(cut(9, 9, NaN))).message).toContain('at least 3, the special tokens; got NaN');
  });

  test('special ids, mask and lookup', async () => {
    const tokenizer = await fixtureTokenizer('bpe', { library });
    expect(tokenizer).toMatchObject({
      vocabularySize: 400,
      padId: 1,
      maskId: 4,
      maskToken: '<mask>',
      specialIds: [0, 1, 2, 3, 4],
    });
    expect([tokenizer.idOf('<mask>'), tokenizer.idOf('nowhere'), tokenizer.tokenOf(4), tokenizer.tokenOf(4000)]).toEqual([
      4,
      undefined,
      '<mask>',
      undefined,
    ]);
  });

  test('no texts, and after dispose', async () => {
    const tokenizer = await fixtureTokenizer('wordpiece', { library });
    expect(await tokenizer.encode([], { maxLength })).toEqual([]);
    expect(await tokenizer.decode([])).toBe('');
    tokenizer.dispose();
    expect((await failure(tokenizer.encode(['a'], { maxLength }))).code).toBe('disposed');
  });
});

describe('both libraries agree', () => {
  test.each(['wordpiece', 'bpe', 'unigram'])('%s: ids, offsets, words, texts', async (name) => {
    const [first, second] = await Promise.all(libraries.map((library) => fixtureTokenizer(name, { library })));
    for (const most of [64, 9]) {
      const [ours, theirs] = await Promise.all(
        [first!, second!].map((tokenizer) => tokenizer.encode([...texts, ...pairs], { maxLength: most })),
      );
      [...texts, ...pairs].forEach((text, i) => expect(theirs![i], JSON.stringify(text)).toEqual(ours![i]));
      for (const { ids } of ours!) expect(await second!.decode(ids)).toBe(await first!.decode(ids));
    }
  });

  test('a byte order mark at the start is a character of a byte-level text', async () => {
    const [ours, theirs] = await Promise.all(
      libraries.map(async (library) =>
        (await fixtureTokenizer('bpe', { library })).encode(['\ufeffhello', '\ufeffmy invoice'], { maxLength }),
      ),
    );
    expect(theirs).toEqual(ours);
  });

  test('tokens added later: not inside a word, the longest first', async () => {
    const json = JSON.parse(fixtureJson('wordpiece')) as { added_tokens: object[] };
    const added = ['<order>', '<order> now', 'vip'].map((content, i) => ({
      id: 220 + i,
      content,
      special: false,
      single_word: content === 'vip',
      lstrip: false,
      rstrip: i === 0,
      normalized: false,
    }));
    const files = filesOf({ 'tokenizer.json': JSON.stringify({ ...json, added_tokens: [...json.added_tokens, ...added] }) });
    const [ours, theirs] = await Promise.all(
      libraries.map(async (library) => {
        const tokenizer = await loadTokenizer(files, { library });
        expect(tokenizer.vocabularySize).toBe(223);
        return tokenizer.encode(['my <order>  vip', '<order> now', 'vips vip, <order>', '<order> nowhere'], {
          maxLength,
        });
      }),
    );
    expect(theirs).toEqual(ours);
    expect(ours!.map(({ ids }) => ids.filter((id) => id >= 220))).toEqual([[220, 222], [221], [222, 220], [221]]);
  });
});

describe('what is refused', () => {
  const broken = async (contents: Record<string, string>, library?: (typeof libraries)[number]) => {
    const error = await failure(loadTokenizer(filesOf(contents), library ? { library } : {}));
    expect(error.code).toBe('bad-tokenizer');
    return error.message;
  };
  const edited = (edit: Record<string, unknown>) =>
    JSON.stringify({ ...(JSON.parse(fixtureJson('wordpiece')) as object), ...edit });

  test('a missing file, and broken JSON, by name', async () => {
    expect(await broken({})).toContain("There is no 'tokenizer.json' in my-model");
    expect(await broken({ 'tokenizer.json': '{' })).toContain("'tokenizer.json' in my-model is not valid JSON");
    expect(await broken({ 'tokenizer.json': fixtureJson('bpe'), 'tokenizer_config.json': '[]' })).toContain(
      "'tokenizer_config.json' in my-model must hold a JSON object",
    );
    expect(await broken({ 'tokenizer.json': '{"model":{}}' })).toContain('has no model.vocab');
  });

  test('no pad token, or one that the vocabulary lacks', async () => {
    expect(await broken({ 'tokenizer.json': edited({ added_tokens: [] }) })).toContain('no file names a pad token');
    expect(
      await broken({ 'tokenizer.json': fixtureJson('bpe'), 'special_tokens_map.json': '{"pad_token":{"content":"<nopad>"}}' }),
    ).toContain("the pad token '<nopad>' is not in the vocabulary");
  });

  test('a post-processor that is not known', async () => {
    expect(await broken({ 'tokenizer.json': edited({ post_processor: { type: 'Other' } }) })).toContain(
      "the post_processor is 'Other'",
    );
  });

  test.each(libraries)('what %s cannot read', async (library) => {
    expect(
      await broken(
        { 'tokenizer.json': edited({ model: { type: 'Nonsense', vocab: { '[PAD]': 0 } }, normalizer: { type: 'Nonsense' } }) },
        library,
      ),
    ).toMatch(/cannot read 'tokenizer.json' in my-model|only read by the package 'tokenizers'/);
  });
});
