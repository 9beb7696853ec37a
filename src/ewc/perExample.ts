import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import type { Batch, Model, Tensors } from '../core/types';
import { groupedBy } from '../data/groupedBy';
import { namesOf, tappedUses } from './uses';
import type { SummedLoss, TappedUse } from './uses';

/** How one use adds to the per-example gradient of one weight. All are [B, T, …]; T = 1 for a use without tokens. */
type Part =
  /** g_b = Σ_t value_bt */
  | { readonly kind: 'vector'; readonly value: tf.Tensor3D }
  /** g_b = Σ_t dy_bt x_btᵀ */
  | { readonly kind: 'matrix'; readonly input: tf.Tensor3D; readonly grad: tf.Tensor3D }
  /** g_b = Σ_t e(id_bt) dy_btᵀ */
  | { readonly kind: 'rows'; readonly ids: tf.Tensor2D; readonly grad: tf.Tensor3D };

type PartOf<K extends Part['kind']> = Extract<Part, { readonly kind: K }>;

export interface SquaredGradientsOptions {
  /** Which of the trainable weights. Default all. */
  readonly wanted?: (name: string) => boolean;
  /** The point at which the gradients are taken. Default the model's own weights. */
  readonly weights?: Tensors;
  /** Most numbers of one intermediate: larger products are made for a few examples at a time. Default 2²² (16 MiB). */
  readonly limit?: number;
}

/**
 * For each weight the sum over the examples of the squared gradient of that example's loss: what B passes with batches of one would give.
 *
 * `S_w = Σ_b g_b ⊙ g_b`, with `g_b = Σ_u dy_buᵀ x_bu` over all uses u of the weight: summed over uses and tokens first, then squared.
 *
 * **Needs** a model that passes its uses to `taps`, and a loss that is a sum of one loss per example.
 * **Cost** one forward and one backward pass (without weight gradients), then per linear weight a product [B, out, in], made for as many
 * examples at a time as `limit` allows. A weight that serves as lookup and as linear (tied decoder) has a cross term, so it takes the
 * dense way: [V, H] per example.
 * **Limits** scores of the vocabulary must come from the loss's third argument (see the second example).
 * With one example it is the squared gradient. Weights that the loss does not depend on are left out: theirs is zero.
 *
 * @param loss [B, …] → scalar, **summed** over the examples, not averaged
 * @returns by weight name, in the shape of the weight
 * @throws HoldfastError `bad-argument` if a use's first axis is not the batch
 * @example
 * const squares = squaredGradients(({ logits }, { labels }) => tf.sum(crossEntropyOf(logits, labels)), model, batch);
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const scores = squaredGradients(({ hidden }, _, scoresOf) => tf.sum(tf.logSumExp(scoresOf(hidden), -1)), model, batch);
 */
export function squaredGradients<B extends Batch>(
  loss: SummedLoss<B>,
  model: Model,
  batch: B,
  options: SquaredGradientsOptions = {},
): Tensors {
  return perExample('squaredGradients', tf.square, loss, model, batch, options);
}

/**
 * As `squaredGradients`, with absolute values instead of squares: `S_w = Σ_b |g_b|`.
 *
 * **Cost** and **Needs** are those of `squaredGradients`.
 *
 * @param loss [B, …] → scalar, **summed** over the examples, not averaged
 * @returns by weight name, in the shape of the weight
 * @throws HoldfastError `bad-argument` if a use's first axis is not the batch
 * @example
 * const sizes = absoluteGradients(({ logits }) => tf.sum(tf.square(logits)), model, batch);
 */
export function absoluteGradients<B extends Batch>(
  loss: SummedLoss<B>,
  model: Model,
  batch: B,
  options: SquaredGradientsOptions = {},
): Tensors {
  return perExample('absoluteGradients', tf.abs, loss, model, batch, options);
}

/** What becomes of an example's gradient before the sum. It must keep 0 and be that of a product's factors, multiplied. */
type Size = <T extends tf.Tensor>(gradient: T) => T;

function perExample<B extends Batch>(
  owner: string,
  size: Size,
  loss: SummedLoss<B>,
  model: Model,
  batch: B,
  { wanted = () => true, weights, limit = 2 ** 22 }: SquaredGradientsOptions,
): Tensors {
  const trainable = new Set(model.trainable);
  const asked = (name: string) => trainable.has(name) && wanted(name);
  return tf.tidy(() => {
    const uses = tappedUses(loss, model, batch, { wanted: asked, ...(weights && { weights }) }).flatMap((tapped) =>
      namesOf(tapped.use).flatMap((name) => (asked(name) ? [{ name, tapped }] : [])),
    );
    const at: Tensors = weights ?? model.weights;
    const [B] = batch.inputs.ids.shape;
    // A scope per weight: the products of one are gone before the next one's are made.
    const sums = (name: string, own: readonly { readonly tapped: TappedUse }[]) =>
      tf.tidy(() => {
        const parts = own.map(({ tapped }) => partOf(owner, name, tapped, B));
        return summed(owner, size, parts, at[name]!, limit).reshape(at[name]!.shape);
      });
    return Object.fromEntries([...groupedBy(uses, ({ name }) => name)].map(([name, own]) => [name, sums(name, own)]));
  });
}

function partOf(owner: string, name: string, { use, grad }: TappedUse, B: number): Part {
  if (grad.shape[0] !== B) {
    throw badArgument(
      owner,
      `'${name}' is used on ${grad.shape[0]} rows, not on the ${B} examples: which row belongs to which is unknown.`,
    );
  }
  const dy = grad.reshape<tf.Tensor3D>([B, -1, grad.shape.at(-1)!]); // [B, T, out]
  if (use.kind === 'lookup') return { kind: 'rows', ids: perExampleIds(use.input, B), grad: dy };
  if (name === use.bias) return { kind: 'vector', value: dy };
  const input = use.input.reshape<tf.Tensor3D>([B, -1, use.input.shape.at(-1)!]); // [B, T, in]
  return use.kind === 'linear' ? { kind: 'matrix', input, grad: dy } : { kind: 'vector', value: tf.mul(dy, input) };
}

/** Ids [B, T]; positions may come as [T] or [1, T], the same for every example. */
function perExampleIds(ids: tf.Tensor, B: number): tf.Tensor2D {
  const rows = ids.reshape<tf.Tensor2D>([-1, ids.shape.at(-1)!]);
  return rows.shape[0] === B ? rows : tf.add(rows, tf.zeros([B, 1], 'int32'));
}

const is =
  <K extends Part['kind']>(kind: K) =>
  (part: Part): part is PartOf<K> =>
    part.kind === kind;

function summed(owner: string, size: Size, parts: readonly Part[], weight: tf.Tensor, limit: number): tf.Tensor {
  if (parts.every(is('vector'))) return tf.sum(size(tf.addN(parts.map(({ value }) => tf.sum(value, 1)))), 0);
  if (parts.every(is('rows'))) return summedRows(size, parts, weight.shape[0]);
  const [first] = parts;
  if (parts.length === 1 && first?.kind === 'matrix' && first.grad.shape[1] === 1) {
    // Without a sum over tokens the size of the product is the product of the sizes.
    return tf.matMul(tf.squeeze<tf.Tensor2D>(size(first.grad), [1]), tf.squeeze<tf.Tensor2D>(size(first.input), [1]), true);
  }
  const dense = parts.filter((part) => part.kind !== 'vector');
  if (dense.length < parts.length) throw badArgument(owner, 'a weight is used both as a matrix and as a vector.');
  return summedDense(size, dense, weight, limit);
}

/** Each example's whole gradient, for a few examples at a time. */
function summedDense(size: Size, parts: readonly PartOf<'matrix' | 'rows'>[], weight: tf.Tensor, limit: number): tf.Tensor {
  const B = parts[0]!.grad.shape[0];
  const [rows, columns] = weight.shape as [number, number];
  const pieces = Math.ceil(B / Math.max(1, Math.floor(limit / weight.size)));
  const chunk = Math.ceil(B / pieces); // Of equal size, so that a lazy engine compiles one graph for them.
  const sumsFrom = (from: number) => {
    const count = Math.min(chunk, B - from);
    const cut = <T extends tf.Tensor>(x: T): T => (count === B ? x : tf.slice(x, [from], [count]));
    const gradients = parts.map((part) =>
      part.kind === 'matrix' ? tf.matMul(cut(part.grad), cut(part.input), true) : scattered(cut(part.ids), cut(part.grad), rows),
    ); // [count, rows, columns]
    return tf.sum(size(gradients.length === 1 ? gradients[0]! : tf.addN(gradients)), 0);
  };
  let total: tf.Tensor = tf.zeros([rows, columns]);
  for (let from = 0; from < B; from += chunk) total = tf.tidy(() => total.add(sumsFrom(from)));
  return total;
}

/** Each example's gradient of a table: ids [n, T], gradients [n, T, H] → [n, V, H]. */
function scattered(ids: tf.Tensor2D, grad: tf.Tensor3D, V: number): tf.Tensor3D {
  const [n, T, H] = grad.shape;
  const own = tf.add(ids, tf.range(0, n * V, V, 'int32').expandDims(1)); // [n, T]: a table per example
  return tf.unsortedSegmentSum(grad.reshape([n * T, H]), own.reshape<tf.Tensor1D>([n * T]), n * V).reshape([n, V, H]);
}

/**
 * A table's sizes without a table per example: gradients of equal ids within an example are summed through the matrix of equal ids
 * [B, T, T], each id counts at its first place only, and the sizes [B, T, H] are added up by id.
 */
function summedRows(size: Size, parts: readonly PartOf<'rows'>[], V: number): tf.Tensor {
  const ids = tf.concat(
    parts.map((part) => part.ids),
    1,
  ); // [B, T]
  const grad = tf.concat(
    parts.map((part) => part.grad),
    1,
  ); // [B, T, H]
  const [B, T, H] = grad.shape;
  const equal = tf.equal(ids.expandDims(2), ids.expandDims(1)).cast('float32'); // [B, T, T]
  const earlier = tf.greater(tf.range(0, T).expandDims(1), tf.range(0, T).expandDims(0)).cast('float32'); // [T, T]: column before row
  const first = tf.equal(tf.sum(equal.mul(earlier), 2, true), 0).cast('float32'); // [B, T, 1]
  const sizes = size(tf.matMul(equal, grad)).mul(first); // [B, T, H]
  return tf.unsortedSegmentSum(sizes.reshape([B * T, H]), ids.reshape<tf.Tensor1D>([B * T]), V);
}
