import type { Head, TextModel, Tokenizer, Tokens } from '../../src/model/types';

/** Head of these labels, its block beginning at `offset`. */
export const headOf = <const Label extends string>(name: string, labels: readonly Label[], offset = 0): Head<Label> => ({
  name,
  labels,
  offset,
  columnOf: (label) => {
    const index = labels.findIndex((one) => one === label);
    return index < 0 ? undefined : offset + index;
  },
});

/** Ids of the toy vocabulary: [PAD] 0, [CLS] 1, [SEP] 2, and each new word the next number. */
export function wordTokenizer(): Tokenizer & { readonly texts: string[] } {
  const words = ['[PAD]', '[CLS]', '[SEP]'];
  const texts: string[] = [];
  const idOf = (word: string) => {
    if (!words.includes(word)) words.push(word);
    return words.indexOf(word);
  };
  return {
    texts,
    vocabularySize: 1000,
    padId: 0,
    specialIds: [0, 1, 2],
    encode: async (inputs, { maxLength }) => {
      await Promise.resolve();
      return inputs.map((input): Tokens => {
        const [first, second] = typeof input === 'string' ? [input, undefined] : input;
        texts.push(first);
        const one = [1, ...first.split(' ').map(idOf), 2].slice(0, maxLength);
        const two = second === undefined ? [] : [...second.split(' ').map(idOf), 2];
        const ids = [...one, ...two];
        return {
          ids,
          types: ids.map((_, i) => (i < one.length ? 0 : 1)),
          offsets: ids.map(() => [0, 0]),
          words: ids.map(() => null),
          sequences: ids.map(() => null),
        };
      });
    },
    idOf,
    tokenOf: (id) => words[id],
    decode: (ids) => Promise.resolve(ids.map((id) => words[id]).join(' ')),
    dispose: () => {},
  };
}

/** What batches need of a model. */
export function wordModel(
  heads: readonly Head[] = [],
  maxLength = 16,
): TextModel & { readonly tokenizer: ReturnType<typeof wordTokenizer> } {
  const unused = (): never => {
    throw new Error('batches do not run the model');
  };
  return {
    tokenizer: wordTokenizer(),
    maxLength,
    heads,
    classCount: heads.reduce((count, { labels }) => count + labels.length, 0),
    head: unused,
    weights: {},
    trainable: [],
    hiddenSize: 1,
    embeddingTable: '',
    forward: unused,
    tokenLogits: unused,
  };
}
