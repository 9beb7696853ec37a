import * as tf from '@tensorflow/tfjs';
import { addGradients, type Gradients } from '../core/rows';
import { mapTensors } from '../core/tensors';
import type { Batch, Evaluation, GradientFn, Tensors } from '../core/types';
import { cut } from '../engine/cut';

/** A batch and how much of its step it counts. */
export interface Part<B extends Batch> {
  readonly batch: B;
  readonly count: number;
}

/**
 * One gradient from several batches, as if they were one: `Σ n_i g_i / Σ n_i`, and the loss likewise.
 *
 * One evaluation after the other, each a graph of its own, so memory holds one evaluation and two gradients, however many parts there are.
 * Scalar reports are averaged in the same way, over the parts that make them; others follow one another along the first axis.
 */
export function accumulated<B extends Batch>(
  evaluate: GradientFn<B>,
  weights: Tensors,
  parts: readonly Part<B>[],
): Omit<Evaluation, 'offset'> {
  const [first, ...others] = parts as readonly [Part<B>, ...Part<B>[]];
  const start = evaluate(first.batch);
  if (others.length === 0) return start;

  const total = parts.reduce((sum, { count }) => sum + count, 0);
  const evaluations: Pick<Evaluation, 'loss' | 'reports'>[] = [start];
  let sum: Gradients = start;
  for (const { batch, count } of others) {
    const found = evaluate(batch);
    evaluations.push(found);
    const last = sum;
    sum = addGradients(last, found, count / first.count, weights);
    // Without it the addition would become part of the next evaluation's graph, and that graph another one.
    cut();
    const kept = new Set(Object.values(sum.grads));
    tf.dispose([...Object.values(last.grads), ...Object.values(found.grads)].filter((grad) => !kept.has(grad)));
  }
  const scale = tf.scalar(first.count / total);
  const shares = parts.map(({ count }) => count / total);
  return {
    loss: weightedSum(
      evaluations.map(({ loss }) => loss),
      shares,
    ),
    grads: mapTensors(sum.grads, (grad) => tf.mul(grad, scale)),
    rows: sum.rows,
    reports: together(
      evaluations.map(({ reports }) => reports),
      shares,
    ),
  };
}

const weightedSum = (values: readonly tf.Tensor[], shares: readonly number[]): tf.Scalar =>
  tf.addN(values.map((value, i) => tf.mul<tf.Scalar>(value, shares[i]!)));

function together(reports: readonly Tensors[], shares: readonly number[]): Tensors {
  const names = new Set(reports.flatMap((part) => Object.keys(part)));
  const joined = [...names].map((name) => {
    const having = reports.flatMap((part, i) => (part[name] ? [{ value: part[name], share: shares[i]! }] : []));
    const values = having.map(({ value }) => value);
    if (values[0]!.rank > 0) return [name, tf.concat(values, 0)] as const;
    const all = having.reduce((sum, { share }) => sum + share, 0);
    return [
      name,
      weightedSum(
        values,
        having.map(({ share }) => share / all),
      ),
    ] as const;
  });
  return Object.fromEntries(joined);
}
