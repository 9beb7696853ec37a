import * as tf from '@tensorflow/tfjs';
import type { Batch, Labeled, Pass } from '../core/types';

/** Of each class of a batch: whether it competes, and whether a row has it. */
export interface Competing {
  readonly open: readonly boolean[];
  readonly seen: readonly boolean[];
}

/**
 * Reports as `OWNER.classes` which classes compete in a batch, and which of them a row has: the number C, then C numbers of 0 (closed),
 * 1 (competes) or 2 (competes and a row has it). The C in front keeps several batches of one step apart. Without `classes` nothing.
 */
export function reportCompeting(owner: string, { batch, report }: Pass): void {
  const { classes, labels } = batch as Batch & Partial<Labeled>;
  if (!classes || !labels) return;
  const C = classes.shape[1];
  const seen = tf
    .equal(labels.expandDims(1), tf.range(0, C, 1, 'int32'))
    .any(0)
    .cast('float32'); // [C]
  report(`${owner}.classes`, tf.concat([tf.tensor1d([C]), tf.max<tf.Tensor1D>(classes, 0).add<tf.Tensor1D>(seen)]));
}

/** What all batches of such a report have together with what is known. */
export function joinedCompeting(known: Competing, report: ArrayLike<number>): Competing {
  let { open, seen } = known;
  for (let at = 0; at < report.length; at += 1 + report[at]!) {
    const states = Array.from({ length: report[at]! }, (_, c) => report[at + 1 + c]!);
    open = states.map((state, c) => state > 0 || open[c] === true);
    seen = states.map((state, c) => state > 1 || seen[c] === true);
  }
  return { open, seen };
}
