import * as tf from '@tensorflow/tfjs';
import type { Evaluation, Rows, Tensors, Weights } from './types';
import { scatterRows } from './scatterRows';
import { mapTensors } from './tensors';
import { weightOf } from './weightOf';

/** Gradients in full size, for whoever cannot work on rows. */
export const denseGradients = (grads: Tensors, rows: Rows, weights: Tensors | Weights): Tensors =>
  mapTensors(grads, (grad, name) => (rows[name] ? scatterRows(grad, rows[name], weightOf(weights, name).shape[0]) : grad));

/** Gradients, some of which may be rows. */
export type Gradients = Pick<Evaluation, 'grads' | 'rows'>;

/**
 * `a + scale · b` of two evaluations' gradients, also where they hold rows of different batches: rows are merged, so that
 * every row occurs once and norms stay right. Where one side is dense, the sum is. What only a has keeps its tensor.
 */
export function addGradients(a: Gradients, b: Gradients, scale: tf.Scalar | number, weights: Tensors): Gradients {
  const rows: Record<string, Int32Array> = { ...a.rows };
  // The rows stay out of what the tidy returns: it would look into every number of them.
  const grads = tf.tidy(() => {
    const sums: Record<string, tf.Tensor> = { ...a.grads };
    const factor = typeof scale === 'number' ? tf.scalar(scale) : scale;
    for (const [name, theirs] of Object.entries(b.grads)) {
      const added = tf.mul(theirs, factor);
      const [ourRows, theirRows] = [a.rows[name], b.rows[name]];
      const ours = a.grads[name];
      if (!ours) {
        sums[name] = added;
        if (theirRows) rows[name] = theirRows;
      } else if (ourRows && theirRows) {
        const merged = sameRows(ourRows, theirRows) ? ourRows : union(ourRows, theirRows);
        const place = (grad: tf.Tensor, own: Int32Array) =>
          merged === own ? grad : scatterRows(grad, placesIn(merged, own), merged.length);
        sums[name] = tf.add(place(ours, ourRows), place(added, merged === ourRows ? merged : theirRows));
        rows[name] = merged;
      } else {
        const height = weightOf(weights, name).shape[0];
        const whole = (grad: tf.Tensor, own?: Int32Array) => (own ? scatterRows(grad, own, height) : grad);
        sums[name] = tf.add(whole(ours, ourRows), whole(added, theirRows));
        delete rows[name];
      }
    }
    return sums;
  });
  return { grads, rows };
}

const sameRows = (a: Int32Array, b: Int32Array): boolean =>
  a === b || (a.length === b.length && a.every((row, i) => row === b[i]));

const union = (a: Int32Array, b: Int32Array): Int32Array => Int32Array.from(new Set([...a, ...b])).sort();

/** For each of `rows` its place in the sorted `all`. */
function placesIn(all: Int32Array, rows: Int32Array): Int32Array {
  let at = 0;
  return rows.map((row) => {
    while (all[at] !== row) at++;
    return at;
  });
}
