import { badArgument, requirePositive } from '../core/errors';

/** A word that stands for a label. */
export interface LabelWord {
  readonly text: string;
  /** Above 0; what counts is its share among the label's words. */
  readonly weight: number;
}

/** Which words mean which label. L = labels, W = words of the label that has most. */
export interface Verbalizer<Label extends string = string> {
  readonly labels: readonly Label[];
  /** In the order of the labels. */
  readonly words: readonly (readonly LabelWord[])[];
}

/** One word, several, or several with their weights. */
export type WordsOfLabel = string | readonly string[] | Readonly<Record<string, number>>;

/**
 * Says which words mean which label: what the model thinks of them at the gap is what it thinks of the label.
 *
 * A word must be as many tokens as the pattern has `{mask}`. One that the vocabulary splits otherwise is never cut: it is refused with
 * its pieces where it is used, unless `multiToken` or `maxFirst` scores it. At a gap after a space a word is taken in its form with
 * a leading space, where the vocabulary has such forms; at the start and within a text in the form that it has there.
 *
 * **Limits** a word means one label. The labels keep the order in which they are written (JavaScript puts whole numbers first).
 * **See also** `pattern`, `cloze`, `multiToken`.
 *
 * @param words each label's words; as an object with weights, default equal
 * @throws HoldfastError `bad-argument` for less than two labels, a label without words, an empty word, one that two labels have, or a
 *   weight that is not above 0
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3
 * @example
 * const { labels } = verbalizer({ positive: ['great', 'good'], negative: { terrible: 1, bad: 2 } });
 */
export function verbalizer<const Label extends string>(words: Readonly<Record<Label, WordsOfLabel>>): Verbalizer<Label> {
  const labels = Object.keys(words) as Label[];
  if (labels.length < 2) throw badArgument('verbalizer', `needs two labels or more, got ${labels.join(', ') || 'none'}`);
  const meaning = new Map<string, Label>();
  const lists = labels.map((label) =>
    weightedWords(words[label]).map(([written, weight]): LabelWord => {
      const text = String(written).trim();
      if (text === '') throw badArgument('verbalizer', `label '${label}' has an empty word`);
      if (meaning.has(text))
        throw badArgument('verbalizer', `the word '${text}' is given for '${meaning.get(text)}' and for '${label}': keep one`);
      meaning.set(text, label);
      requirePositive('verbalizer', `the weight of '${text}'`, weight);
      return { text, weight };
    }),
  );
  lists.forEach((list, l) => {
    if (list.length === 0) throw badArgument('verbalizer', `label '${labels[l]}' has no words: give one at least`);
  });
  return { labels, words: lists };
}

function weightedWords(words: WordsOfLabel): (readonly [word: string, weight: number])[] {
  if (typeof words === 'string') return [[words, 1]];
  if (isList(words)) return words.map((word) => [word, 1] as const);
  return Object.entries(words);
}

const isList = (words: readonly string[] | Readonly<Record<string, number>>): words is readonly string[] => Array.isArray(words);
