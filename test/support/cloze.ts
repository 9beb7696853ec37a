import type { Tokenizer, Tokens } from '../../src/model/types';

/** Special ids of `numberTokenizer`. */
export const [PAD, CLS, SEP, MASK] = [0, 1, 2, 3];

/** '11 [MASK] 9.30' → 1 11 3 9 30 2: numbers are ids, all else is nothing; `9.30` is a word of two tokens. It cuts nothing. */
export const numberTokenizer = (vocabularySize: number): Tokenizer => ({
  vocabularySize,
  padId: PAD,
  maskId: MASK,
  maskToken: '[MASK]',
  specialIds: [PAD, CLS, SEP, MASK],
  encode: async (texts) =>
    texts.map((text): Tokens => {
      const found = [text].flat().flatMap((part: string, sequence) => [
        ...Array.from(part.matchAll(/\[MASK\]|\d+/g), ({ 0: token, index }) => ({
          id: token === '[MASK]' ? MASK : Number(token),
          offset: [index, index + token.length] as const,
          sequence: sequence as 0 | 1,
        })),
        { id: SEP, offset: [0, 0] as const, sequence: null },
      ]);
      const all = [{ id: CLS, offset: [0, 0] as const, sequence: null }, ...found];
      return {
        ids: all.map(({ id }) => id),
        types: all.map(() => 0),
        offsets: all.map(({ offset }) => offset),
        words: all.map(() => null),
        sequences: all.map(({ sequence }) => sequence),
      };
    }),
  idOf: (token) => (/^\d+$/.test(token) && Number(token) < vocabularySize ? Number(token) : undefined),
  tokenOf: (id) => (id < vocabularySize ? String(id) : undefined),
  decode: async (ids) => ids.join(' '),
  dispose: () => {},
});
