import * as tf from '@tensorflow/tfjs';
import { badArgument, requireCount } from '../core/errors';
import { encoded, padded } from '../data/encoded';
import { labelledRows } from '../data/rows';
import { readAll } from '../data/source';
import { tokenised, type TokenisedRow } from '../data/tokenised';
import type { ExampleSource } from '../data/types';
import { cut } from '../engine/cut';
import { openLogits } from '../losses/openLogits';
import { mergedLabels } from '../model/heads';
import type { Head, TextModel } from '../model/types';
import { accuracyOf, confusionOf, macroF1Of, type Confusion } from './metrics';

export interface EvaluateOptions {
  /** Default 64. */
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
 *   empty test; `bad-argument` for one source without its head, or `classes` without the test's own
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

const isSource = (tests: ExampleSource | Readonly<Record<string, ExampleSource>>): tests is ExampleSource =>
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
  const examples = await readAll('evaluate', source, 0);
  const rows = labelledRows(
    'evaluate',
    examples.map((example) => ({ example, head })),
  );
  const columns = await columnsOf(model, await tokenised(rows, [], model.tokenizer, model.maxLength), classes, batchSize);
  const expected = rows.map(({ target }) => target!.column);
  const predicted = columns.map(({ column }) => column);
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
    predictions: columns.map(({ column, score }) => ({ label: names.get(column)!.label, head: names.get(column)!.head, score })),
  };
}

/** The best open column of each row, and its probability. */
async function columnsOf(model: TextModel, rows: readonly TokenisedRow[], classes: readonly Head[], batchSize: number) {
  const byLength = rows
    .map((row, i) => ({ row, i }))
    .sort((a, b) => a.row.tokens.ids.length - b.row.tokens.ids.length || a.i - b.i);
  const result: { column: number; score: number }[] = [];
  for (let at = 0; at < byLength.length; at += batchSize) {
    const some = byLength.slice(at, at + batchSize);
    const { columns, scores } = tf.tidy(() => {
      const host = padded(
        some.map(({ row }) => row.tokens),
        { padId: model.tokenizer.padId, maxLength: model.maxLength },
      );
      const { logits } = model.forward(encoded(host));
      const chances = tf.softmax(openLogits(logits, openColumns(classes, model.classCount))); // [B, C]
      return { columns: tf.argMax(chances, -1), scores: tf.max(chances, -1) };
    });
    cut();
    try {
      const [best, chance] = await Promise.all([columns.data(), scores.data()]);
      some.forEach(({ i }, b) => (result[i] = { column: best[b]!, score: chance[b]! }));
    } finally {
      tf.dispose([columns, scores]);
    }
  }
  return result;
}

/** [1, C]: 1 for the classes of these heads. */
function openColumns(heads: readonly Head[], classCount: number): tf.Tensor2D {
  const open = new Float32Array(classCount);
  for (const { offset, labels } of heads) open.fill(1, offset, offset + labels.length);
  return tf.tensor2d(open, [1, classCount]);
}

function classNames(heads: readonly Head[]): Map<number, { head: string; label: string; shown: string }> {
  const shown = mergedLabels(heads);
  const all = heads.flatMap(({ name, labels, offset }) => labels.map((label, i) => ({ head: name, label, column: offset + i })));
  return new Map(all.map(({ head, label, column }, k) => [column, { head, label, shown: shown[k]! }]));
}
