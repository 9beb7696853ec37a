import { badArgument, requireNumber } from '../core/errors';
import type { Labeled } from '../core/types';
import { batches, type LabeledBatchesOptions } from '../data/batches';
import { findings } from '../data/issues';
import { randomOf } from '../data/random';
import { shuffled } from '../data/shuffled';
import { readAll, requireReopenable } from '../data/source';
import type { Batches, Example, ExampleSource, OpenOptions } from '../data/types';

/** The labels of the head that `efl` asks. */
export const entailmentLabels = ['entailment', 'not_entailment'] as const;
export type EntailmentLabel = (typeof entailmentLabels)[number];

/** What each label means, as a sentence that is true of its texts: `{ refund: 'The customer wants money back.' }`. */
export type Descriptions<Label extends string = string> = Readonly<Record<Label, string>>;

export interface EntailmentOptions {
  readonly descriptions: Descriptions;
  /** Other labels' descriptions for each example, 1 or more; `Infinity`: all of them. Default 8. */
  readonly negatives?: number;
}

export interface EntailmentPairsOptions extends EntailmentOptions, LabeledBatchesOptions {}

/**
 * Turns classification into one question for all labels, in batches: does this description follow from this text?
 *
 * Each example becomes a pair with its own label's description, labelled `entailment`, and one with each of `negatives` other labels'
 * descriptions, drawn without repetition, labelled `not_entailment`. Then the pairs go through `batches`. Which others are drawn is a
 * function of the run's seed and the epoch: each epoch draws anew, and a resumed one the same.
 *
 * **Needs** a head with `entailmentLabels`, best one that was trained on inference data before (see `nliRows`).
 * **Cost** 1 + `negatives` rows for each example.
 * **Limits** examples that are pairs already are refused. A view of an example gets the same description.
 * **Differs from the paper** in several descriptions for one text, as FewCLUE has it: with many labels, 8 beat 1 by far there.
 * **See also** `efl`, which asks the question of all labels.
 *
 * @throws HoldfastError as `batches` does; `bad-argument` for bad descriptions; when opened, `unknown-label` with all rows whose label
 *   is missing or has no description
 * @see Wang et al., Entailment as Few-Shot Learner, 2021, arXiv:2104.14690, section 3
 * @example
 * const binary = model.addHead('entailment', entailmentLabels);
 * const descriptions = { invoice: 'It is about a bill.', refund: 'It is about money back.' };
 * await fit(model, { objective: crossEntropy(), data: entailmentPairs(train, { descriptions, head: binary }), optimizer, seed: 1 });
 */
export function entailmentPairs(source: ExampleSource, options: EntailmentPairsOptions): Batches<Labeled> {
  const { descriptions, negatives = 8, ...others } = options;
  requireDescriptions('entailmentPairs', descriptions);
  requireNegatives(negatives);
  requireReopenable('entailmentPairs', source);
  batches([], others); // Refuses bad options at once.
  return {
    async *open(opening) {
      const examples = await readAll('entailmentPairs', source, opening);
      const random = randomOf(opening.seed, opening.epoch, 'entailment');
      yield* batches(entailmentRows(examples, { descriptions, negatives, random }), others).open(opening);
    },
  };
}

/**
 * The pairs of some examples with descriptions, on strings: what `entailmentPairs` makes in each epoch.
 *
 * @param random source of numbers in [0, 1)
 * @throws HoldfastError `unknown-label`, `bad-data`, `bad-argument`
 * @example
 * const descriptions = { invoice: 'It is about a bill.', refund: 'It is about money back.' };
 * const pairs = entailmentRows(train, { descriptions, random: Math.random });
 */
export function entailmentRows(
  examples: readonly Example[],
  { descriptions, negatives = 8, random }: EntailmentOptions & { readonly random: () => number },
): Example<EntailmentLabel>[] {
  requireDescriptions('entailmentPairs', descriptions);
  requireNegatives(negatives);
  requireUsable(examples, descriptions);
  const names = Object.keys(descriptions);
  return examples.flatMap((example) => {
    const others = shuffled(
      names.filter((name) => name !== example.label),
      random,
    );
    return [
      described(example, descriptions[example.label!]!, 'entailment'),
      ...others.slice(0, negatives).map((name) => described(example, descriptions[name]!, 'not_entailment')),
    ];
  });
}

/**
 * Rows of natural language inference with the two labels of `efl`: `entailment` stays, `neutral` and `contradiction` become
 * `not_entailment`. An ordinary `fit` on them is the first stage of EFL.
 *
 * @param source premise as `text`, hypothesis as `pair`: `readJsonl('nli.jsonl', { text: 'premise', pair: 'hypothesis' })`
 * @throws HoldfastError when opened, `bad-data` without pairs, `unknown-label` for labels other than those four
 * @example
 * const binary = model.addHead('entailment', entailmentLabels);
 * const inference = [{ text: 'It rains.', pair: 'It is wet.', label: 'entailment' }, { text: 'It rains.', pair: 'It is dry.', label: 'contradiction' }];
 * await fit(model, { objective: crossEntropy(), data: batches(nliRows(inference), { head: binary }), optimizer, seed: 1 });
 */
export function nliRows(
  source: ExampleSource,
): (opening?: Pick<OpenOptions, 'seed' | 'epoch'>) => AsyncIterable<Example<EntailmentLabel>> {
  requireReopenable('nliRows', source);
  return async function* (opening) {
    const examples = await readAll('nliRows', source, opening);
    const [unpaired, unknown] = [findings(), findings()];
    examples.forEach(({ pair, label }, i) => {
      if (pair === undefined) unpaired.add({ message: `row ${i + 1} has no second text` });
      if (label === undefined) unknown.add({ message: `row ${i + 1} has no label` });
      else if (!meaning.has(label)) unknown.add({ message: `label '${label}' in row ${i + 1}` });
    });
    unpaired.throwIfAny('bad-data', 'nliRows needs a premise as text and a hypothesis as pair');
    unknown.throwIfAny('unknown-label', `nliRows knows the labels ${[...meaning.keys()].join(', ')}`);
    for (const example of examples) yield { ...example, label: meaning.get(example.label!)! };
  };
}

const meaning: ReadonlyMap<string, EntailmentLabel> = new Map([
  ['entailment', 'entailment'],
  ['neutral', 'not_entailment'],
  ['contradiction', 'not_entailment'],
  ['not_entailment', 'not_entailment'],
]);

/** Throws unless these describe two labels or more, each in words of its own. */
export function requireDescriptions(owner: string, descriptions: Descriptions): void {
  const entries = Object.entries(descriptions);
  if (entries.length < 2) throw badArgument(owner, `descriptions must have two labels or more, got ${entries.length}`);
  const owners = new Map<string, string>();
  for (const [label, description] of entries) {
    if (typeof description !== 'string' || description.trim() === '')
      throw badArgument(owner, `the description of label '${label}' must be a text that is not empty`);
    const other = owners.get(description);
    if (other !== undefined)
      throw badArgument(owner, `labels '${other}' and '${label}' have the same description, so no model can tell them apart`);
    owners.set(description, label);
  }
}

function requireNegatives(negatives: number): void {
  if (negatives === Infinity) return;
  requireNumber('entailmentPairs', 'negatives', negatives, 1);
  if (!Number.isInteger(negatives))
    throw badArgument('entailmentPairs', `negatives must be a whole number, or Infinity for all, got ${negatives}`);
}

function requireUsable(examples: readonly Example[], descriptions: Descriptions): void {
  const [labels, pairs] = [findings(), findings()];
  examples.forEach(({ label, pair }, i) => {
    if (label === undefined) labels.add({ message: `row ${i + 1} has no label` });
    else if (!Object.hasOwn(descriptions, label)) labels.add({ message: `label '${label}' in row ${i + 1} has no description` });
    if (pair !== undefined) pairs.add({ message: `row ${i + 1} has a second text already` });
  });
  labels.throwIfAny(
    'unknown-label',
    `entailmentPairs cannot use the labels (there are descriptions of ${Object.keys(descriptions).join(', ')})`,
  );
  pairs.throwIfAny('bad-data', 'entailmentPairs puts the description in the place of the second text: join both into one');
}

function described<L extends EntailmentLabel>(example: Example, pair: string, label: L): Example<L> {
  const { views, ...rest } = example;
  const paired = views && Object.fromEntries(Object.entries(views).map(([name, { text }]) => [name, { text, pair }]));
  return { ...rest, pair, label, ...(paired && { views: paired }) };
}
