import { badArgument, requireNumber } from '../core/errors';
import { drawBelow } from '../data/random';
import type { Dictionary } from './dictionary';
import { endsUnspaced, inCaseOf, startsUnspaced, wordsIn } from '../data/words';

export interface SwitchOptions {
  readonly dictionary: Dictionary;
  /** Chance of each word to be replaced, 0 to 1. */
  readonly rate: number;
  /** Chance of each text to be touched at all, 0 to 1. Default 1. */
  readonly sentenceRate?: number;
  /** Default: all of the dictionary. */
  readonly languages?: readonly string[];
  /** What must stay as it is, beside placeholders, tags, URLs, e-mail addresses and everything with a digit. */
  readonly protect?: readonly RegExp[];
}

/** What became of the words of some texts. */
export interface SwitchCounts {
  /** Words that could have been replaced. */
  readonly words: number;
  readonly replaced: number;
  /** Words that were to be replaced, but have no translation in the language that was drawn. */
  readonly missing: number;
  /** Replaced words by language. */
  readonly languages: Readonly<Record<string, number>>;
}

/**
 * Replaces words of a text by translations, and says what it did: the work of `codeSwitch` on one text.
 *
 * Each word draws three numbers, whatever becomes of it: so what is replaced at one rate is also replaced at every higher one.
 *
 * @param random source of numbers in [0, 1)
 * @throws HoldfastError `bad-argument`
 * @example
 * const words = dictionary({ de: [['invoice', 'Rechnung']] });
 * const { text } = switchText('Where is my invoice?', { dictionary: words, rate: 1 }, Math.random); // 'Where is my Rechnung?'
 */
export function switchText(
  text: string,
  options: SwitchOptions,
  random: () => number,
): { readonly text: string; readonly counts: SwitchCounts } {
  const { dictionary, rate, sentenceRate, languages, protect } = checkedSwitch('switchText', options);
  const touched = random() < sentenceRate;
  const words = wordsIn(text, protect);
  const counts: Record<string, number> = {};
  let [missing, replaced, end, before] = [0, 0, 0, ''];
  const pieces: string[] = [];
  for (const { text: word, at } of words) {
    const drawn = random() < rate;
    const language = languages[drawBelow(languages.length, random)]!;
    const place = random();
    if (!touched || !drawn) continue;
    const candidates = dictionary.translations(word, language);
    if (candidates.length === 0) {
      missing++;
      continue;
    }
    const translation = inCaseOf(word, candidates[drawBelow(candidates.length, () => place)]!);
    const between = text.slice(end, at);
    const joined = before !== '' && /^ +$/.test(between) && endsUnspaced(before) && startsUnspaced(translation);
    pieces.push(joined ? '' : between, translation);
    before = translation;
    end = at + word.length;
    counts[language] = (counts[language] ?? 0) + 1;
    replaced++;
  }
  pieces.push(text.slice(end));
  return { text: pieces.join(''), counts: { words: words.length, replaced, missing, languages: counts } };
}

/** Refuses bad options, and fills in what was left out. */
export function checkedSwitch(owner: string, options: SwitchOptions): Required<SwitchOptions> {
  const { dictionary, rate, sentenceRate = 1, languages = dictionary.languages, protect = [] } = options;
  requireNumber(owner, 'rate', rate, 0, 1);
  requireNumber(owner, 'sentenceRate', sentenceRate, 0, 1);
  const unknown = languages.find((language) => !dictionary.languages.includes(language));
  if (unknown !== undefined || languages.length === 0)
    throw badArgument(
      owner,
      `${unknown === undefined ? 'languages is empty' : `the dictionary has no language '${unknown}'`}; it has ${dictionary.languages.join(', ')}`,
    );
  return { dictionary, rate, sentenceRate, languages, protect };
}
