import { badArgument, requireNumber } from '../core/errors';
import { inCaseOf, wordsIn } from '../data/words';

/** Changes a text as its writer might have. `random` gives numbers in [0, 1); the same ones give the same text. */
export type TextPerturbation = (text: string, random: () => number) => string;

export interface PerturbationOptions {
  /** Chance of each word to be changed, 0 to 1. */
  readonly rate: number;
}

export interface KeyboardOptions extends PerturbationOptions {
  /** The rows of letters from top to bottom, each a quarter and then half a key further to the right. Default QWERTY. */
  readonly keys?: readonly string[];
}

export interface SynonymOptions extends PerturbationOptions {
  /** By the word in lower case. */
  readonly table: ReadonlyMap<string, readonly string[]>;
}

/**
 * Typing errors: in a word one letter is another one, next to it on the keyboard.
 *
 * Like all perturbations here it leaves placeholders, tags, addresses and everything with a digit alone, and what it changes at one rate it also
 * changes at every higher one. `rate` 0 changes nothing. **See also** `robustness` (measures with it), `perturbed` (trains with it).
 *
 * @throws HoldfastError `bad-argument` for a rate out of range
 * @see Belinkov and Bisk, Synthetic and Natural Noise Both Break Neural Machine Translation, ICLR 2018, arXiv:1711.02173, section 3.2
 * @example
 * const mistyped = perturbed(keyboardTypos({ rate: 0.3 }))(train);
 */
export function keyboardTypos({ rate, keys = ['qwertyuiop', 'asdfghjkl', 'zxcvbnm'] }: KeyboardOptions): TextPerturbation {
  const neighbours = neighboursOn(keys);
  return perWord('keyboardTypos', rate, (word, place, choice) => {
    const letters = lettersOf(word);
    const places = letters.flatMap((letter, at) => (neighbours.has(letter.toLowerCase()) ? [at] : []));
    const at = drawnOf(places, place);
    if (at === undefined) return word;
    const near = drawnOf(neighbours.get(letters[at]!.toLowerCase())!, choice);
    return near === undefined ? word : letters.with(at, inCaseOf(letters[at]!, near)).join('');
  });
}

/**
 * Typing errors: in a word two letters next to each other change places.
 *
 * **Differs from the paper** in that the first and the last letter may be among them. **See also** `keyboardTypos`, which says the rest.
 *
 * @throws HoldfastError `bad-argument` for a rate out of range
 * @see Belinkov and Bisk, Synthetic and Natural Noise Both Break Neural Machine Translation, ICLR 2018, arXiv:1711.02173, section 3.2
 * @example
 * const mistyped = perturbed(letterSwaps({ rate: 0.3 }))(train);
 */
export const letterSwaps = ({ rate }: PerturbationOptions): TextPerturbation =>
  perWord('letterSwaps', rate, (word, place) => {
    const letters = lettersOf(word);
    const places = letters.slice(1).flatMap((letter, at) => (letter === letters[at] ? [] : [at]));
    const at = drawnOf(places, place);
    return at === undefined ? word : letters.toSpliced(at, 2, letters[at + 1]!, letters[at]!).join('');
  });

/**
 * Typing errors: a word of two letters or more lacks one of them. **See also** `keyboardTypos`, which says the rest.
 *
 * @throws HoldfastError `bad-argument` for a rate out of range
 * @example
 * const mistyped = perturbed(letterDrops({ rate: 0.3 }))(train);
 */
export const letterDrops = ({ rate }: PerturbationOptions): TextPerturbation =>
  perWord('letterDrops', rate, (word, place) => {
    const letters = lettersOf(word);
    return letters.length < 2 ? word : letters.toSpliced(Math.floor(place * letters.length), 1).join('');
  });

/**
 * Other words for the same: a word is replaced by one of its synonyms, in its case. A word without any stays.
 *
 * **Limits** nothing looks at the context: what the table says of a word with several meanings may not fit. **See also** `keyboardTypos`, which says the rest.
 *
 * @throws HoldfastError `bad-argument` for a rate out of range, and for an empty table
 * @example
 * const table = new Map([['money', ['cash', 'funds']], ['invoice', ['bill']]]);
 * const reworded = perturbed(synonymSwaps({ rate: 0.5, table }))(train);
 */
export function synonymSwaps({ rate, table }: SynonymOptions): TextPerturbation {
  if (table.size === 0)
    throw badArgument('synonymSwaps', "the table is empty: give it words, as in new Map([['money', ['cash']]])");
  return perWord('synonymSwaps', rate, (word, place) => {
    const synonym = drawnOf(table.get(word.toLowerCase()) ?? [], place);
    return synonym === undefined ? word : inCaseOf(word, synonym);
  });
}

/**
 * Casing: words in capitals, all of them by default. **See also** `keyboardTypos`, which says the rest.
 *
 * @throws HoldfastError `bad-argument` for a rate out of range
 * @example
 * const shouted = perturbed(upperCased())(train);
 */
export const upperCased = ({ rate = 1 }: Partial<PerturbationOptions> = {}): TextPerturbation =>
  perWord('upperCased', rate, (word) => word.toUpperCase());

/**
 * Casing: words without capitals, all of them by default. **See also** `keyboardTypos`, which says the rest.
 *
 * @throws HoldfastError `bad-argument` for a rate out of range
 * @example
 * const hurried = perturbed(lowerCased())(train);
 */
export const lowerCased = ({ rate = 1 }: Partial<PerturbationOptions> = {}): TextPerturbation =>
  perWord('lowerCased', rate, (word) => word.toLowerCase());

type Change = (word: string, place: number, choice: number) => string;

/** Each word draws three numbers, whatever becomes of it: so neither the rate nor its letters decide what the next one draws. */
function perWord(owner: string, rate: number, change: Change): TextPerturbation {
  requireNumber(owner, 'rate', rate, 0, 1);
  return (text, random) => {
    let end = 0;
    const pieces = wordsIn(text).map(({ text: word, at }) => {
      const [drawn, place, choice] = [random() < rate, random(), random()];
      const between = text.slice(end, at);
      end = at + word.length;
      return between + (drawn ? change(word, place, choice) : word);
    });
    return pieces.join('') + text.slice(end);
  };
}

/** The one at a place in [0, 1); undefined of none. */
const drawnOf = <T>(from: readonly T[], place: number): T | undefined => from[Math.floor(place * from.length)];

/** With their accents; apostrophes and hyphens belong to the letter before. */
const lettersOf = (word: string): string[] => word.match(/.['’-]*\p{M}*/gu) ?? [];

function neighboursOn(keys: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const shift = [0, 0.25, 0.75];
  const all = keys.flatMap((row, y) => [...row].map((letter, x) => ({ letter, y, x: x + (shift[y] ?? y / 2) })));
  return new Map(
    all.map(({ letter, x, y }) => {
      const near = all.filter((other) => other.letter !== letter && Math.abs(other.y - y) <= 1 && Math.abs(other.x - x) <= 1);
      return [letter, near.map((other) => other.letter)];
    }),
  );
}
