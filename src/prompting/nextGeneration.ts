import { HoldfastError, badArgument, requireCount, requireNumber, requirePositive } from '../core/errors';
import { groupedBy } from '../data/groupedBy';
import { randomOf } from '../data/random';
import { shuffled } from '../data/shuffled';
import type { Example } from '../data/types';
import { answerOf, type Answer } from './answers';
import { meanLogs, sharesOf, type Combination } from './ensemble';

export interface NextGenerationOptions<Label extends string = string> {
  /** The labelled examples that the first generation was trained on. */
  readonly examples: readonly Example<Label>[];
  readonly unlabelled: readonly Example[];
  /** [M][U]: what each model of the last generation says of each unlabelled text. */
  readonly answers: readonly (readonly Answer<Label>[])[];
  /** Which generation the sets are for: the first that is labelled by models is 1. */
  readonly generation: number;
  /** d: by how much each label's examples grow from one generation to the next. Default 5. */
  readonly factor?: number;
  /** Share of the other models that label for a model, above 0 to 1; one at least. Default 0.25. */
  readonly share?: number;
  /** Each model's say. Default: all the same. */
  readonly weights?: readonly number[];
  /** Default `meanLogs`. */
  readonly combine?: Combination;
  readonly seed: number;
}

/**
 * iPET: the training set of each model of the next generation, labelled by other models of the last one.
 *
 * For generation j, label l gets `c(l) · d^j` examples: its `c(l)` labelled ones and, of the texts that a random quarter of the other
 * models answers with l together, as many as are missing, drawn without repetition with probabilities proportional to `p(l | text)`. So
 * each model learns from others, from more texts each time, and rather from those of which they were sure.
 *
 * Of each generation: train a copy of the model for each pattern from the start, `predict` the unlabelled texts with each, call this,
 * train again. At the end `softLabels` of the last generation teach one model.
 *
 * **Needs** two models or more. **Cost** it works on answers: no model is run here.
 * **Limits** the labels keep the ratio that they have in `examples`; give as many of each. Where fewer texts are answered with l, those
 * with the highest `p(l | text)` that no label has yet fill up; where texts run out, the sets are smaller.
 * **See also** `ensemble`, `softLabels`.
 *
 * @returns [M]: for each model the labelled examples, then the new ones with the labels that they were given
 * @throws HoldfastError `bad-argument`; `bad-data` if an example has no label or an answer is missing
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.4
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const meaning = verbalizer({ invoice: 'bill', refund: 'money' });
 * const patterns = [pattern('It is about {mask}. {text}'), pattern('{text} ({mask})')];
 * const classifiers = patterns.map((asked) => clozeClassifier(model, { pattern: asked, verbalizer: meaning }));
 * const answers = await Promise.all(classifiers.map((classifier) => classifier.predict(examples)));
 * const [forFirst, forSecond] = nextGeneration({ examples: train, unlabelled: examples, answers, generation: 1, seed: 1 });
 */
export function nextGeneration<Label extends string>(options: NextGenerationOptions<Label>): Example<Label>[][] {
  const { examples, unlabelled, answers, generation, factor = 5, share = 0.25, combine = meanLogs, seed } = options;
  const M = answers.length;
  const { weights = answers.map(() => 1) } = options;
  requireCount('nextGeneration', 'generation', generation);
  requireNumber('nextGeneration', 'factor', factor, 1);
  requirePositive('nextGeneration', 'share', share, 1);
  if (M < 2) throw badArgument('nextGeneration', `needs the answers of two models or more, got ${M}: each learns from others`);
  sharesOf('nextGeneration', weights, M);
  requireComplete(examples, answers, unlabelled.length);
  const groups = groupedBy(examples, ({ label }) => label!);
  const labels = labelsOf(examples, answers);

  return answers.map((_, m) => {
    const random = randomOf(seed, generation, 'generation', m);
    const others = shuffled(
      answers.map((_, k) => k).filter((k) => k !== m),
      random,
    ).slice(0, Math.max(1, Math.round(share * (M - 1))));
    const say = sayOf(others, weights);
    const scores = unlabelled.map((_, i) => {
      const rows = others.map((k) => labels.map((label) => answers[k]![i]!.scores[label]));
      return answerOf(labels, combine(rows, say));
    });
    const wanted = (label: Label) => {
      const count = groups.get(label)?.length ?? 0;
      return Math.round(count * factor ** generation) - count;
    };
    const taken = new Map<number, Label>();
    for (const label of labels) {
      const own = scores.flatMap((answer, i) => (answer.label === label ? [i] : []));
      for (const i of drawn(own, wanted(label), (i) => scores[i]!.scores[label], random)) taken.set(i, label);
    }
    for (const label of labels) {
      const missing = wanted(label) - [...taken.values()].filter((one) => one === label).length;
      if (missing === 0) continue;
      const rest = unlabelled.flatMap((_, i) => (taken.has(i) ? [] : [i]));
      rest.sort((a, b) => scores[b]!.scores[label] - scores[a]!.scores[label] || a - b);
      for (const i of rest.slice(0, missing)) taken.set(i, label);
    }
    return [...examples, ...unlabelled.flatMap((example, i) => (taken.has(i) ? [{ ...example, label: taken.get(i)! }] : []))];
  });
}

/**
 * Draws without repetition, each next one with a probability proportional to its weight among those left.
 *
 * Each item gets the key `ln(u) / w`; the highest keys win (Efraimidis and Spirakis, Weighted Random Sampling, IPL 2006).
 */
function drawn(items: readonly number[], count: number, weightOf: (item: number) => number, random: () => number): number[] {
  const keyed = items.map((item) => ({ item, key: Math.log(random()) / weightOf(item) }));
  return keyed
    .sort((a, b) => b.key - a.key)
    .slice(0, count)
    .map(({ item }) => item);
}

/** The shares of some models; all the same where only models without any say were drawn. */
function sayOf(others: readonly number[], weights: readonly number[]): number[] {
  const own = others.map((k) => weights[k]!);
  const none = own.every((weight) => weight === 0);
  return sharesOf('nextGeneration', none ? own.map(() => 1) : own, own.length);
}

const labelsOf = <Label extends string>(
  examples: readonly Example<Label>[],
  answers: readonly (readonly Answer<Label>[])[],
): Label[] => [...new Set([...examples.map(({ label }) => label!), ...(Object.keys(answers[0]![0]?.scores ?? {}) as Label[])])];

function requireComplete(examples: readonly Example[], answers: readonly (readonly Answer[])[], U: number): void {
  const short = answers.findIndex(({ length }) => length !== U);
  if (short >= 0)
    throw new HoldfastError(
      'bad-data',
      `nextGeneration: model ${short + 1} has ${answers[short]!.length} answers for ${U} texts.`,
    );
  const known = new Set(Object.keys(answers[0]![0]?.scores ?? {}));
  const bad = examples.findIndex(({ label }) => label === undefined || (U > 0 && !known.has(label)));
  if (bad >= 0)
    throw new HoldfastError(
      'bad-data',
      `nextGeneration: example ${bad + 1} has ${examples[bad]!.label === undefined ? 'no label' : `the label '${examples[bad]!.label}', which no answer has`}.`,
    );
}
