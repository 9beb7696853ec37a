import { badArgument, requireCount } from '../core/errors';
import { labelledRows } from '../data/rows';
import { readAll } from '../data/source';
import { tokenised } from '../data/tokenised';
import type { ExampleSource } from '../data/types';
import { mergedLabels } from '../model/heads';
import type { Head, TextModel } from '../model/types';
import { bestOf, columnsOf, logitRows } from './logitRows';
import { accuracyOf, confusionOf, macroF1Of, type Confusion } from './metrics';

export interface EvaluateOptions {
  /** Most rows of one evaluation of the model; long ones come fewer at a time. Default 64. */
  readonly batchSize?: number;
  /**
   * The heads among whose classes the model must choose. Default: the test's own head, as where the task of a text is known. All heads
   * so far: as where it is not.
   */
  readonly classes?: readonly Head[];
}

export interface Prediction {
  readonly label: string;
  /** The head that the label belongs to. */
  readonly head: string;
  /** Probability among the classes that took part. */
  readonly score: number;
}

/** What a model makes of one test. */
export interface TestResult {
  readonly accuracy: number;
  readonly macroF1: number;
  readonly total: number;
  /** Expected by predicted; a label that several heads have is named 'head/label', as in a saved `config.json`. */
  readonly confusion: Confusion<string>;
  /** In the order of the examples. */
  readonly predictions: readonly Prediction[];
}

/**
 * Measures a model on labelled examples: accuracy, macro-F1, which labels are taken for which, and every prediction.
 *
 * Rows are read in the order of their length, so that little is padded, and come back in their own. Nothing is trained, dropout is off.
 *
 * @param tests examples by the name of their head; or one source, with its `head` in the options
 * @throws HoldfastError `not-found` for a head that the model does not have; `unknown-label` with all rows concerned; `bad-data` for an
 *   empty test; `not-finite` for a model that has diverged; `bad-argument` for one source without its head, or `classes` without the test's own
 * @example
 * const { billing } = await evaluate(model, { billing: billingTest });
 * const { accuracy } = await evaluate(model, billingTest, { head: model.head('billing') });
 */
export async function evaluate(
  model: TextModel,
  test: ExampleSource,
  options: EvaluateOptions & { readonly head: Head },
): Promise<TestResult>;
export async function evaluate<Name extends string>(
  model: TextModel,
  tests: Readonly<Record<Name, ExampleSource>>,
  options?: EvaluateOptions & { readonly head?: undefined },
): Promise<Record<Name, TestResult>>;
export async function evaluate(
  model: TextModel,
  tests: ExampleSource | Readonly<Record<string, ExampleSource>>,
  { head, batchSize = 64, classes }: EvaluateOptions & { readonly head?: Head | undefined } = {},
): Promise<TestResult | Record<string, TestResult>> {
  requireCount('evaluate', 'batchSize', batchSize);
  if (isSource(tests)) {
    if (!head)
      throw badArgument(
        'evaluate',
        'one source of examples needs its head: evaluate(model, examples, { head }), or evaluate(model, { name: examples })',
      );
    return evaluateOne(model, tests, head, classes ?? [head], batchSize);
  }
  const heads = Object.keys(tests).map((name) => model.head(name));
  const results: Record<string, TestResult> = {};
  for (const own of heads) results[own.name] = await evaluateOne(model, tests[own.name]!, own, classes ?? [own], batchSize);
  return results;
}

export const isSource = (tests: ExampleSource | Readonly<Record<string, ExampleSource>>): tests is ExampleSource =>
  typeof tests === 'function' || Symbol.iterator in tests || Symbol.asyncIterator in tests;

async function evaluateOne(
  model: TextModel,
  source: ExampleSource,
  head: Head,
  classes: readonly Head[],
  batchSize: number,
): Promise<TestResult> {
  if (!classes.some(({ name }) => name === head.name))
    throw badArgument('evaluate', `classes leave out head '${head.name}', which the labels belong to`);
  const examples = await readAll('evaluate', source);
  const rows = labelledRows(
    'evaluate',
    examples.map((example) => ({ example, head })),
  );
  const columns = columnsOf(classes);
  const best = (await logitRows(model, await tokenised(rows, [], model.tokenizer, model.maxLength), columns, batchSize)).map(
    (logits) => bestOf(logits),
  );
  const expected = rows.map(({ target }) => target!.column);
  const predicted = best.map(({ place }) => columns[place]!);
  const names = classNames(classes);
  const nameOf = (column: number) => names.get(column)!.shown;
  return {
    accuracy: accuracyOf(expected, predicted),
    macroF1: macroF1Of(expected, predicted),
    total: rows.length,
    confusion: confusionOf(
      expected.map(nameOf),
      predicted.map(nameOf),
      [...names.values()].map(({ shown }) => shown),
    ),
    predictions: best.map(({ chance }, n) => {
      const { label, head } = names.get(predicted[n]!)!;
      return { label, head, score: chance };
    }),
  };
}

function classNames(heads: readonly Head[]): Map<number, { head: string; label: string; shown: string }> {
  const shown = mergedLabels(heads);
  const all = heads.flatMap(({ name, labels, offset }) => labels.map((label, i) => ({ head: name, label, column: offset + i })));
  return new Map(all.map(({ head, label, column }, k) => [column, { head, label, shown: shown[k]! }]));
}
