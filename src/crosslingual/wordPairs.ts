import { badArgument, HoldfastError } from '../core/errors';
import type { Example } from '../data/types';
import { endsUnspaced, startsUnspaced, wordsIn } from '../data/words';
import type { Dictionary } from './dictionary';

/** Where something stands in a text, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

/** A word of a text and the word of its translation that says the same. */
export type WordPair = readonly [word: Span, translation: Span];

/** Finds the pairs of a text and its translation. */
export type WordPairs<E extends Example = Example> = (text: string, translation: string, example: E) => readonly WordPair[];

/**
 * Pairs by dictionary: a word and the first of its translations that the other text has, each place of which is taken once.
 *
 * **Limits** words are found as they are written, without their inflections; of a word that occurs twice the first one pairs with the first.
 * **See also** `pharaohPairs` (from an aligner: many more of them), `alignWords`.
 *
 * @param language of the translations
 * @throws HoldfastError `bad-argument` for a language that the dictionary does not have
 * @example
 * const pairs = dictionaryPairs(dictionary({ de: [['invoice', 'Rechnung']] }), 'de');
 * const found = pairs('my invoice', 'meine Rechnung', { text: 'my invoice' }); // [[[3, 10], [6, 14]]]
 */
export function dictionaryPairs(dictionary: Dictionary, language: string): WordPairs {
  if (!dictionary.languages.includes(language))
    throw badArgument(
      'dictionaryPairs',
      `the dictionary has no language '${language}'; it has ${dictionary.languages.join(', ')}`,
    );
  return (text, translation) => {
    const taken: Span[] = [];
    return wordsIn(text).flatMap(({ text: word, at }): WordPair[] => {
      for (const candidate of dictionary.translations(word, language)) {
        const free = placesOf(candidate, translation).find(([start, end]) =>
          taken.every(([from, to]) => end <= from || to <= start),
        );
        if (!free) continue;
        taken.push(free);
        return [[[at, at + word.length], free]];
      }
      return [];
    });
  };
}

/**
 * Pairs from an aligner in the Pharaoh format, `0-0 1-2`: numbers of words in both texts, which are separated by white space.
 *
 * **Limits** a text without spaces wants its own function that returns spans. **See also** `dictionaryPairs`, `alignWords`.
 *
 * @param alignmentOf the line of an example
 * @throws HoldfastError when called, `bad-data` for what is not of this format, or a word that the text does not have
 * @see https://github.com/neulab/awesome-align and https://github.com/clab/fast_align (aligners that write it)
 * @example
 * const pairs = pharaohPairs(() => '1-1');
 * const found = pairs('my invoice', 'meine Rechnung', { text: 'my invoice' }); // [[[3, 10], [6, 14]]]
 */
export const pharaohPairs =
  <E extends Example>(alignmentOf: (example: E) => string): WordPairs<E> =>
  (text, translation, example) => {
    const [words, others] = [spacedWords(text), spacedWords(translation)];
    return alignmentOf(example)
      .split(/\s+/)
      .filter((pair) => pair !== '')
      .map((pair): WordPair => {
        const [, source, target] = /^(\d+)-(\d+)$/.exec(pair) ?? [];
        const [word, other] = [words[Number(source)], others[Number(target)]];
        if (word && other) return [word, other];
        throw new HoldfastError(
          'bad-data',
          `pharaohPairs: '${pair}' pairs no words of texts that have ${words.length} and ${others.length}: expected 'source-target', counted from 0`,
        );
      });
  };

const spacedWords = (text: string): Span[] =>
  [...text.matchAll(/\S+/g)].map(({ index, 0: { length } }) => [index, index + length]);

/** Where a word or a phrase stands by itself, in whichever case. */
function placesOf(phrase: string, text: string): Span[] {
  const before = startsUnspaced(phrase) ? '' : String.raw`(?<![\p{L}\p{M}])`;
  const after = endsUnspaced(phrase) ? '' : String.raw`(?![\p{L}\p{M}])`;
  const literal = phrase.replace(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
  const pattern = new RegExp(before + literal + after, 'giu');
  return [...text.matchAll(pattern)].map(({ index, 0: { length } }) => [index, index + length]);
}
