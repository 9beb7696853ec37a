import { badArgument, requireCount, requireNumber, requirePositive } from '../core/errors';
import type { Example, ExampleSource } from '../data/types';
import type { Head, TextModel } from '../model/types';
import { isSource } from './evaluate';
import { bestOf } from './logitRows';
import { scopeReport, type ScopeReport } from './scopeReport';
import { labelledIn, logitsOf, placesOf, unlabelled, type ByHead } from './scopeRows';
import { confidence, energy, type ScopeScore } from './scopeScores';
import { acceptanceThreshold, balancedThreshold } from './separation';
import { temperatureOf } from './temperature';

export interface ScopeOptions {
  /** The heads among whose classes the model chooses. Default: those that the held-out examples belong to. */
  readonly classes?: readonly Head[];
  /** `energy`, `confidence`, or your own. Default `energy`. */
  readonly score?: ScopeScore;
  /** Share of the held-out examples that must pass, 0 to 1. Default 0.95. */
  readonly acceptance?: number;
  /** Examples of what is out of scope, instead of `acceptance`: the threshold then has the best balanced accuracy. Labels are not read. */
  readonly outOfScope?: ExampleSource;
  /** Default: the one that fits the held-out examples best. */
  readonly temperature?: number;
  /** Default 64. */
  readonly batchSize?: number;
}

export interface ScopedAnswer {
  /** Null: out of scope. */
  readonly label: string | null;
  /** The likeliest label all the same. */
  readonly nearest: string;
  /** The head that it belongs to. */
  readonly head: string;
  /** Its calibrated probability among the classes that take part. */
  readonly score: number;
  /** What was compared with the threshold. */
  readonly inScope: number;
}

/** All that a scope is besides the model; plain JSON. */
export interface ScopeState {
  readonly score: string;
  readonly temperature: number;
  /** A text is in scope if its score is at least this. */
  readonly threshold: number;
  /** How many labels each head had. */
  readonly classes: Readonly<Record<string, number>>;
}

/** A text without a label; a pair of texts needs its second one. */
export type Question = string | Pick<Example, 'text' | 'pair'>;

export interface Scope extends ScopeState {
  predict(question: Question): Promise<ScopedAnswer>;
  predict(questions: readonly Question[]): Promise<ScopedAnswer[]>;
  /** @param tests `inScope`: labelled examples; by the name of their head, where there are several */
  report(tests: { readonly inScope: ExampleSource | ByHead; readonly outOfScope: ExampleSource }): Promise<ScopeReport>;
  toJSON(): ScopeState;
}

/**
 * Teaches a classifier to say that a text is none of its business: a threshold on how well any of its classes fits.
 *
 * A temperature is fitted to held-out examples, every one gets a score (`energy` or `confidence`), and the threshold lets the wanted
 * share of them pass. A text below it has the label null.
 *
 * **Needs** labelled examples that were not trained on, a hundred or more for 95 %. Examples of what is out of scope help, if they are
 * like those that will come.
 * **Cost** one evaluation of each held-out example. Nothing is trained, and the model is not changed.
 * **Limits** the threshold belongs to these weights and classes: fit again after training or adding a head that competes.
 * **See also** `evaluate` (no text is ever rejected), `temperatureOf`, `aurocOf`.
 *
 * @param heldOut one source with its `head`, or sources by the name of their head
 * @throws HoldfastError `not-found` for a head that the model does not have; `unknown-label`; `bad-data` for no examples; `bad-argument`
 *   for an option out of range, both `acceptance` and `outOfScope`, or `classes` that leave out a head of the examples
 * @example
 * const scope = await fitScope(model, { billing: billingTest }, { acceptance: 0.9 });
 * const answer = await scope.predict('what is the meaning of life');
 * if (answer.label === null) console.log(`Not for us; ${answer.nearest} is nearest`);
 * console.log(format(await scope.report({ inScope: second, outOfScope: [{ text: 'how deep is the sea' }] })));
 */
export async function fitScope(
  model: TextModel,
  heldOut: ExampleSource,
  options: ScopeOptions & { readonly head: Head },
): Promise<Scope>;
export async function fitScope(
  model: TextModel,
  heldOut: ByHead,
  options?: ScopeOptions & { readonly head?: undefined },
): Promise<Scope>;
export async function fitScope(
  model: TextModel,
  heldOut: ExampleSource | ByHead,
  options: ScopeOptions & { readonly head?: Head | undefined } = {},
): Promise<Scope> {
  const { head, score = energy, acceptance, outOfScope, batchSize = 64 } = options;
  requireCount('fitScope', 'batchSize', batchSize);
  if (acceptance !== undefined) requireNumber('fitScope', 'acceptance', acceptance, 0, 1);
  if (options.temperature !== undefined) requirePositive('fitScope', 'temperature', options.temperature);
  if (acceptance !== undefined && outOfScope !== undefined)
    throw badArgument('fitScope', 'acceptance and outOfScope each set the threshold: give one of them');
  if (isSource(heldOut) && !head)
    throw badArgument('fitScope', 'one source of examples needs its head: fitScope(model, examples, { head })');
  const heads = options.classes ?? (isSource(heldOut) ? [head!] : Object.keys(heldOut).map((name) => model.head(name)));
  const rows = await labelledIn('fitScope', heldOut, heads, head);
  const logits = await logitsOf(model, rows, heads, batchSize);
  const temperature = options.temperature ?? temperatureOf(logits, placesOf(rows, heads));
  const scores = logits.map((row) => score.of(row, temperature));
  let threshold: number;
  if (outOfScope === undefined) threshold = acceptanceThreshold(scores, acceptance);
  else {
    const others = await logitsOf(model, await unlabelled('fitScope', outOfScope), heads, batchSize);
    threshold = balancedThreshold(
      scores,
      others.map((row) => score.of(row, temperature)),
    );
  }
  const classes = Object.fromEntries(heads.map(({ name, labels }) => [name, labels.length]));
  return scopeOf(model, score, { score: score.name, temperature, threshold, classes }, batchSize);
}

/**
 * A scope that was saved with `JSON.stringify(scope)`, on a model with the same weights.
 *
 * @param options `score`: needed where it was your own. `batchSize`: default 64
 * @throws HoldfastError `not-found` for a head that the model does not have; `bad-argument` for a state that is incomplete, was found
 *   with another number of labels, or names another score
 * @example
 * const scope = await fitScope(model, rows, { head });
 * const again = restoreScope(model, JSON.parse(JSON.stringify(scope)));
 */
export function restoreScope(
  model: TextModel,
  state: ScopeState,
  options: { readonly score?: ScopeScore; readonly batchSize?: number } = {},
): Scope {
  const { score = [energy, confidence].find(({ name }) => name === state.score), batchSize = 64 } = options;
  requireCount('restoreScope', 'batchSize', batchSize);
  if (score?.name !== state.score)
    throw badArgument('restoreScope', `the state was made with the score '${state.score}': give it as { score }`);
  requirePositive('restoreScope', 'temperature', state.temperature);
  requireNumber('restoreScope', 'threshold', state.threshold, -Infinity);
  const { temperature, threshold, classes = {} } = state;
  const scope = scopeOf(model, score, { score: score.name, temperature, threshold, classes: { ...classes } }, batchSize);
  if (headsOf(model, scope).length === 0) throw badArgument('restoreScope', 'the state names no head: it is not a whole one');
  return scope;
}

function scopeOf(model: TextModel, score: ScopeScore, state: ScopeState, batchSize: number): Scope {
  const { temperature, threshold } = state;
  async function predict(question: Question): Promise<ScopedAnswer>;
  async function predict(questions: readonly Question[]): Promise<ScopedAnswer[]>;
  async function predict(asked: Question | readonly Question[]): Promise<ScopedAnswer | ScopedAnswer[]> {
    const heads = headsOf(model, state);
    const labels = heads.flatMap(({ name, labels }) => labels.map((label) => ({ head: name, label })));
    const questions = Array.isArray(asked) ? (asked as readonly Question[]) : [asked as Question];
    const examples = questions.map((question) => (typeof question === 'string' ? { text: question } : question));
    const rows = examples.length === 0 ? [] : await unlabelled('scope.predict', examples);
    const answers = (await logitsOf(model, rows, heads, batchSize)).map((logits): ScopedAnswer => {
      const { place, chance } = bestOf(logits, temperature);
      const { head, label: nearest } = labels[place]!;
      const inScope = score.of(logits, temperature);
      return { label: inScope >= threshold ? nearest : null, nearest, head, score: chance, inScope };
    });
    return Array.isArray(asked) ? answers : answers[0]!;
  }
  return {
    ...state,
    predict,
    async report({ inScope, outOfScope }) {
      const heads = headsOf(model, state);
      const rows = await labelledIn('scope.report', inScope, heads, heads.length === 1 ? heads[0] : undefined);
      const others = await unlabelled('scope.report', outOfScope);
      const inside = await logitsOf(model, rows, heads, batchSize);
      return scopeReport(score, state, inside, placesOf(rows, heads), await logitsOf(model, others, heads, batchSize));
    },
    toJSON: () => ({ ...state, classes: { ...state.classes } }),
  };
}

/** The heads as they stand in the model now. */
function headsOf(model: TextModel, { classes }: ScopeState): Head[] {
  return Object.entries(classes).map(([name, count]) => {
    const head = model.head(name);
    if (head.labels.length === count) return head;
    throw badArgument(
      'scope',
      `head '${name}' has ${head.labels.length} labels, the scope was fitted with ${count}: fit it again`,
    );
  });
}
