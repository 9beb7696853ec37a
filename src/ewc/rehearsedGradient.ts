import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { addGradients, denseGradients, type Gradients } from '../core/rows';
import type { Batch, Encoded, Evaluation, GradientTransform, Tensors } from '../core/types';
import { groupedBy } from '../data/groupedBy';
import type { Rehearsal, Rehearsed } from '../data/types';
import { cut } from '../engine/cut';

/** The products of the reference gradients with each other [t, t] and with the new rows' gradient [t] → their factors [t], each ≥ 0. */
export type FactorsOf = (gram: tf.Tensor2D, products: tf.Tensor1D) => tf.Tensor1D;

/**
 * `g + Σ_k v_k r_k`, with g the gradient of a batch's new rows and r_k that of its remembered rows called k, each the mean of its own rows.
 * Loss and reports are those of the new rows, and each v_k under the name k. The rehearsal goes into the batches: it marks its rows.
 */
export function rehearsedGradient(
  owner: string,
  rehearsal: Rehearsal,
  nameOf: (row: Rehearsed) => string,
  factorsOf: FactorsOf,
): GradientTransform & Rehearsal {
  const names = new WeakMap<object, string>();

  const transform: GradientTransform =
    (next, model) =>
    (batch, weights = model.weights) => {
      const groups = groupedBy(batch.examples.keys(), (b) => names.get(batch.examples[b] as object));
      const fresh = groups.get(undefined);
      groups.delete(undefined);
      if (groups.size === 0 && 'shares' in batch)
        throw badArgument(
          owner,
          `the batch has remembered rows that this ${owner} did not draw: give it to the batches too, as \`rehearse\`.`,
        );
      if (groups.size === 0 || !fresh) return next(batch, weights);

      const inParts = [fresh, ...groups.values()];
      const parts = inParts.map((rows) => partOf(owner, batch, rows));
      // The rows' gathering stays out of the evaluation's graph.
      cut();
      const [g, ...references] = parts.map((part) => next(part, weights)) as [Evaluation, ...Evaluation[]];
      const factors = tf.tidy(() => tf.unstack(factorsOf(gramOf(references, weights), productsOf(g, references, weights))));
      const moved = added(g, references, factors as tf.Scalar[], weights);
      const offset = offsetOf([g, ...references], inParts.flat());
      cut();

      const kept = new Set(Object.values(moved.grads));
      tf.dispose([g, ...references].flatMap(({ grads }) => Object.values(grads)).filter((grad) => !kept.has(grad)));
      tf.dispose(references.flatMap(({ loss, reports }) => [loss, ...Object.values(reports)]));
      const found = [...groups.keys()].map((name, k) => [name!, factors[k]!] as const);
      return { ...moved, loss: g.loss, reports: { ...g.reports, ...Object.fromEntries(found) }, ...(offset && { offset }) };
    };

  return Object.assign(transform, {
    draw(random: () => number) {
      // Copies: the same text may also come as a new row.
      const drawn = rehearsal.draw(random).map(({ example, head }) => ({ example: { ...example }, head }));
      for (const row of drawn) names.set(row.example, nameOf(row));
      return drawn;
    },
  });
}

/**
 * Some rows of a batch, its views included, as a batch of its own: same length, same vocabulary, so that the gradients' rows are the same.
 *
 * @throws HoldfastError `bad-argument` for tensors of which nobody says that they have one row per example
 */
export function partOf<B extends Batch>(owner: string, batch: B, rows: readonly number[]): B {
  const index = tf.tensor1d([...rows], 'int32');
  const rowsOf = <T extends tf.Tensor>(tensor: T): T => tf.gather(tensor, index);
  const viewOf = (view: Encoded) => Object.fromEntries(Object.entries(view).map(([field, tensor]) => [field, rowsOf(tensor)]));
  const { examples, vocabulary, shares: _ofTheWhole, ...fields } = batch as Batch & Readonly<Record<string, unknown>>;
  const part = Object.entries(fields).map(([name, value]) => {
    if (value instanceof tf.Tensor && (name === 'labels' || name === 'classes')) return [name, rowsOf(value)];
    if (isView(value)) return [name, viewOf(value)];
    throw badArgument(
      owner,
      `the batch cannot be split: of its field '${name}' it is not known which part belongs to which row.`,
    );
  });
  return {
    ...(Object.fromEntries(part) as B),
    examples: rows.map((row) => examples[row]),
    ...(vocabulary && { vocabulary }),
  };
}

const isView = (value: unknown): value is Encoded => typeof value === 'object' && value !== null && 'ids' in value;

/** One reference after the other, so that memory holds one product and not all of them. */
function added(g: Evaluation, references: readonly Evaluation[], factors: readonly tf.Scalar[], weights: Tensors): Gradients {
  let sum: Gradients = g;
  references.forEach((reference, k) => {
    const before = sum;
    sum = addGradients(before, reference, factors[k]!, weights);
    const kept = new Set(Object.values(sum.grads));
    if (k > 0) tf.dispose(Object.values(before.grads).filter((grad) => !kept.has(grad)));
  });
  return sum;
}

function gramOf(references: readonly Evaluation[], weights: Tensors): tf.Tensor2D {
  const known = new Map<string, tf.Scalar>();
  const rows = references.map((_, j) =>
    references.map((_, k) => {
      const key = `${Math.min(j, k)} ${Math.max(j, k)}`;
      if (!known.has(key)) known.set(key, dot(references[j]!, references[k]!, weights));
      return known.get(key)!;
    }),
  );
  return tf.stack(rows.map((row) => tf.stack(row))) as tf.Tensor2D;
}

const productsOf = (g: Evaluation, references: readonly Evaluation[], weights: Tensors): tf.Tensor1D =>
  tf.stack(references.map((reference) => dot(g, reference, weights))) as tf.Tensor1D;

/** Over all weights; one that only one side depends on counts as zero on the other. */
function dot(a: Evaluation, b: Evaluation, weights: Tensors): tf.Scalar {
  return tf.tidy(() => {
    const shared = Object.keys(a.grads).filter((name) => b.grads[name]);
    const parts = shared.map((name) => {
      const [x, y] = a.rows[name] === b.rows[name] ? [a.grads[name]!, b.grads[name]!] : [whole(a, name), whole(b, name)];
      return tf.sum<tf.Scalar>(tf.mul(x, y));
    });
    return parts.length === 0 ? tf.scalar(0) : tf.addN(parts);
  });

  function whole({ grads, rows }: Evaluation, name: string): tf.Tensor {
    return denseGradients({ [name]: grads[name]! }, rows, weights)[name]!;
  }
}

/** The parts' gradients by their offsets, back in the order of the batch's rows. */
function offsetOf(evaluations: readonly Evaluation[], order: readonly number[]): tf.Tensor3D | undefined {
  const offsets = evaluations.flatMap(({ offset }) => (offset ? [offset] : []));
  if (offsets.length === 0) return undefined;
  const places = order.map((_, b) => order.indexOf(b));
  return tf.tidy(() => tf.gather(tf.concat(offsets, 0), tf.tensor1d(places, 'int32')));
}
