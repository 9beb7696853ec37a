import { badArgument, requireNumber } from '../core/errors';
import { findings } from '../data/issues';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import type { TextInput } from '../model/types';
import { answerOf, examplesOf, type Answer } from './answers';

/** What can take part in an ensemble: a `clozeClassifier`, a `linearProbe`, `efl`, another ensemble. */
export interface Voter<Label extends string = string> {
  readonly labels: readonly Label[];
  predict(texts: readonly Example[]): Promise<readonly Answer<Label>[]>;
}

/** One classifier made of several. */
export interface Ensemble<Label extends string = string> {
  readonly labels: readonly Label[];
  /** One answer for each text, pair or example, in their order. */
  predict(texts: readonly (TextInput | Example)[]): Promise<Answer<Label>[]>;
}

/** The labels' scores, whose softmax are their probabilities, from those of K classifiers: [K][L] and shares [K] that add up to 1 → [L]. */
export type Combination = (probabilities: readonly (readonly number[])[], shares: readonly number[]) => number[];

export interface EnsembleOptions {
  /** Each classifier's say, 0 or more; only the ratio counts. Default: all the same. */
  readonly weights?: readonly number[];
  /** Default `meanLogs`. */
  readonly combine?: Combination;
}

/**
 * The weighted mean of the logarithms, `s[l] = Σ_k v_k ln p_k[l]`: PET's choice, the same as the mean of the logits. One classifier that
 * is sure that a label is wrong outweighs several that find it likely.
 *
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.3
 */
export const meanLogs: Combination = (probabilities, shares) =>
  // A probability may be too small for a number, its logarithm must not be.
  means(probabilities, shares, (p) => Math.log(Math.max(p, Number.MIN_VALUE)));

/** The logarithm of the weighted mean, `s[l] = ln Σ_k v_k p_k[l]`: each classifier has one vote, which it divides among the labels. */
export const meanProbabilities: Combination = (probabilities, shares) =>
  means(probabilities, shares, (p) => p).map((p) => Math.log(Math.max(p, Number.MIN_VALUE)));

/**
 * Several classifiers answer as one: other patterns, other words, models from other seeds. None needs to be the right one.
 *
 * `p[l] = softmax(combine(p_1 … p_K; v))[l]` with `v` the weights over their sum.
 *
 * **Needs** classifiers of the same labels, in any order. Each that is to be trained needs a model of its own (`model.clone()`).
 * **Cost** that of all classifiers, one after the other.
 * **Limits** one classifier: its own answers. A weight of 0: as if it were not there.
 * **See also** `accuracies` for PET's weights; `softLabels`, which hands the ensemble's knowledge to a single model.
 *
 * @param classifiers what is asked; none is changed
 * @throws HoldfastError `bad-argument` for no classifier, other labels than the first one's, or weights that are negative, all 0 or not as many
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.3
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const meaning = verbalizer({ invoice: 'bill', refund: 'money' });
 * const patterns = [pattern('It is about {mask}. {text}'), pattern('{text} ({mask})')];
 * const classifiers = patterns.map((asked) => clozeClassifier(model, { pattern: asked, verbalizer: meaning }));
 * const weights = await accuracies(classifiers, train);
 * const [answer] = await ensemble(classifiers, { weights }).predict(['where is my invoice']);
 */
export function ensemble<Label extends string>(
  classifiers: readonly Voter<Label>[],
  { weights = classifiers.map(() => 1), combine = meanLogs }: EnsembleOptions = {},
): Ensemble<Label> {
  const labels = sharedLabels('ensemble', classifiers);
  const shares = sharesOf('ensemble', weights, classifiers.length);
  return {
    labels,
    async predict(texts) {
      const examples = examplesOf(texts);
      const answers: (readonly Answer<Label>[])[] = [];
      for (const classifier of classifiers) answers.push(await classifier.predict(examples));
      return examples.map((_, i) => {
        const rows = answers.map((of) => labels.map((label) => of[i]!.scores[label]));
        return answerOf(labels, combine(rows, shares));
      });
    },
  };
}

/**
 * Each classifier's share of right answers. On the training examples, before the training, they are PET's weights of an ensemble: a
 * pattern that asks well is right more often with the untrained model.
 *
 * @param source labelled examples
 * @throws HoldfastError `unknown-label` with all rows without label, `bad-data` for no examples
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const [accuracy] = await accuracies([clozeClassifier(model, task)], train);
 */
export async function accuracies(classifiers: readonly Voter[], source: ExampleSource): Promise<number[]> {
  const examples = await readAll('accuracies', source);
  const problems = findings();
  examples.forEach(({ label }, i) => {
    if (label === undefined) problems.add({ message: `row ${i + 1} has no label` });
  });
  problems.throwIfAny('unknown-label', 'accuracies needs labels');
  const shares: number[] = [];
  for (const classifier of classifiers) {
    const answers = await classifier.predict(examples);
    shares.push(answers.filter(({ label }, i) => label === examples[i]!.label).length / examples.length);
  }
  return shares;
}

/** The labels of all classifiers, in the order of the first. */
export function sharedLabels<Label extends string>(owner: string, classifiers: readonly Voter<Label>[]): readonly Label[] {
  const [first] = classifiers;
  if (!first) throw badArgument(owner, 'needs one classifier or more, got none');
  const key = ({ labels }: Voter<Label>) => [...labels].sort().join(', ');
  const other = classifiers.findIndex((one) => key(one) !== key(first));
  if (other > 0)
    throw badArgument(
      owner,
      `classifier ${other + 1} has the labels ${key(classifiers[other]!)}, the first ${key(first)}: they must have the same`,
    );
  return first.labels;
}

/** Weights that add up to 1. */
export function sharesOf(owner: string, weights: readonly number[], count: number): number[] {
  if (weights.length !== count)
    throw badArgument(owner, `weights must be one for each classifier: got ${weights.length} for ${count}`);
  weights.forEach((weight, k) => requireNumber(owner, `weight ${k + 1}`, weight));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) throw badArgument(owner, 'the weights are all 0: one at least must be above');
  return weights.map((weight) => weight / total);
}

const means = (rows: readonly (readonly number[])[], shares: readonly number[], of: (p: number) => number): number[] =>
  rows[0]!.map((_, l) => rows.reduce((sum, row, k) => (shares[k] === 0 ? sum : sum + shares[k]! * of(row[l]!)), 0));
