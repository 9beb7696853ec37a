import { badArgument, HoldfastError } from '../core/errors';
import type { Example } from '../data/types';
import type { TextInput } from '../model/types';

/** What a classifier says of one text. */
export interface Answer<Label extends string = string> {
  readonly label: Label;
  /** Probability of each label; they add up to 1. */
  readonly scores: Readonly<Record<Label, number>>;
}

/** Texts, pairs and examples as examples; one text in place of a list is refused. */
export function examplesOf(texts: readonly (TextInput | Example)[]): Example[] {
  if (typeof texts === 'string') throw badArgument('predict', 'takes a list of texts, got a string: predict([text])');
  return texts.map((text) => {
    if (typeof text === 'string') return { text };
    return isPair(text) ? { text: text[0], pair: text[1] } : text;
  });
}

const isPair = (text: Exclude<TextInput, string> | Example): text is Exclude<TextInput, string> => Array.isArray(text);

/**
 * The softmax of the labels' scores, and the best label: the first of equals.
 *
 * @throws HoldfastError `not-finite` for scores of which there is no softmax
 */
export function answerOf<Label extends string>(labels: readonly Label[], scores: ArrayLike<number>): Answer<Label> {
  const given = Array.from(scores);
  const most = Math.max(...given);
  if (!Number.isFinite(most))
    throw new HoldfastError(
      'not-finite',
      `The scores of the labels must be numbers, got ${labels.map((label, l) => `${given[l]} for '${label}'`).join(', ')}: a model has diverged, or what scores its labels is wrong.`,
    );
  const shares = given.map((score) => Math.exp(score - most));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return { label: labels[given.indexOf(most)]!, scores: byLabel(labels, (l) => shares[l]! / total) };
}

/** One number for each label, by its name. */
export const byLabel = <Label extends string>(labels: readonly Label[], valueOf: (l: number) => number) =>
  Object.fromEntries(labels.map((label, l) => [label, valueOf(l)])) as Record<Label, number>;
