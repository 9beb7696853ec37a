import * as tf from '@tensorflow/tfjs';
import type { Batch, Labeled } from '../core/types';
import { badArgument } from '../core/errors';
import type { Head } from '../model/types';
import { encoded, padded, vocabularyOf, type PaddingOptions } from './encoded';
import { openClasses } from './openClasses';
import type { TokenisedRow } from './tokenised';

export interface CollateOptions extends PaddingOptions {
  /** Names of the views beside `inputs`. */
  readonly views: readonly string[];
  /** Columns of the logits. Absent: no labels. */
  readonly classCount?: number;
  /** The heads whose classes take part; absent: each row's own. */
  readonly classes?: readonly Head[];
}

/** One batch of tensors from tokenised rows; `rehearsed` of them, at the end, are remembered ones. */
export function collated(rows: readonly TokenisedRow[], rehearsed: number, options: CollateOptions): Batch | Labeled {
  const { views, classCount, classes } = options;
  // Masks before tensors: what is refused must not leave any behind.
  const mask = classCount === undefined ? undefined : classMask(rows, classCount, classes);
  const inputs = padded(
    rows.map(({ tokens }) => tokens),
    options,
  );
  const others = views.map((name) =>
    padded(
      rows.map((row) => row.views[name]!),
      options,
    ),
  );
  const vocabulary = vocabularyOf([inputs, ...others]);
  const batch: Batch = {
    inputs: encoded(inputs, vocabulary),
    examples: rows.map(({ example }) => example),
    vocabulary,
    ...Object.fromEntries(views.map((name, v) => [name, encoded(others[v]!, vocabulary)])),
  };
  if (!mask) return batch;
  return {
    ...batch,
    labels: tf.tensor1d(
      rows.map(({ target }) => target!.column),
      'int32',
    ), // [B]
    classes: tf.tensor2d(mask, [rows.length, classCount!]), // [B, C]
    ...(rehearsed > 0 && { shares: tf.tensor1d(sharesOf(rows.length - rehearsed, rehearsed)) }), // [B]
  };
}

/** With these as weights, the sum over all rows is mean(new) + mean(remembered). */
const sharesOf = (fresh: number, rehearsed: number): Float32Array =>
  new Float32Array(fresh + rehearsed).fill(1 / fresh, 0, fresh).fill(1 / rehearsed, fresh);

function classMask(rows: readonly TokenisedRow[], classCount: number, classes: readonly Head[] | undefined): Float32Array {
  const mask = new Float32Array(rows.length * classCount);
  const shared = classes && openClasses('batches', classes, classCount);
  rows.forEach(({ target }, b) => {
    const { head, column } = target!;
    const open = shared ?? openClasses('batches', [head], classCount);
    if (!open[column]) {
      throw badArgument(
        'batches',
        `a row has a label of head '${head.name}', which is not among \`classes\` (${(classes ?? []).map(({ name }) => name).join(', ')})`,
      );
    }
    mask.set(open, b * classCount);
  });
  return mask;
}
