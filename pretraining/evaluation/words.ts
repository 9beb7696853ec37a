/** Runs of Chinese characters, words, numbers: what is left of a text without spaces and punctuation. */
const runs = /\p{Script=Han}+|[\p{L}\p{M}]+|\p{N}+/gu;
const han = /^\p{Script=Han}/u;

/**
 * The words of a text in lower case. Chinese, which does not mark its words, gives the overlapping pairs of characters instead
 * (a lone character stands for itself).
 */
export const wordsOf = (text: string): string[] =>
  // Han is cut out first: \p{L} would take a Chinese run together with the Latin letters beside it.
  [
    ...text
      .normalize('NFKC')
      .toLowerCase()
      .replace(/\p{Script=Han}+/gu, ' $& ')
      .matchAll(runs),
  ].flatMap(([run]) => (han.test(run) ? pairsOf([...run]) : [run]));

const pairsOf = (characters: readonly string[]): string[] =>
  characters.length < 2 ? [...characters] : characters.slice(1).map((character, i) => characters[i]! + character);
