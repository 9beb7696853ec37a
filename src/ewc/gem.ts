import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { GradientTransform } from '../core/types';
import type { Rehearsal, Rehearsed } from '../data/types';
import { rehearsedGradient } from './rehearsedGradient';

export interface GemOptions {
  /** Memory strength, ≥ 0: with a conflict, each old task's gradient is added at least this often. Default 0.5. */
  readonly gamma?: number;
  /** Which old task a remembered row belongs to. Default the name of its head. */
  readonly taskOf?: (row: Rehearsed) => string;
}

/** The transform for `fit`, and the rehearsal for the batches that it is fitted on. */
export type Gem = GradientTransform & Rehearsal;

/**
 * Gradient episodic memory: the step nearest to what the new rows want that raises the loss of no old task.
 *
 * `g ← g + Σ_k v_k r_k`, with g the gradient of the batch's new rows, r_k that of its remembered rows of task k, each the mean of its own rows,
 * and `v = argmin_{v ≥ γ} ½ ‖g + Σ_k v_k r_k‖²` if any g·r_k < 0, else 0. With γ = 0 it is the projection: no `g·r_k` is negative afterwards.
 *
 * **Needs** the guard in both places: `rehearse` of the batches and `transforms` of `fit`; and enough rows drawn that every old task has some
 * in each batch, for one without any sets no condition.
 * **Cost** for t old tasks t + 1 evaluations, together over as many rows as `replay` has, t + 1 gradients in memory, and ½ t² + 2.5 t passes over them.
 * **Limits** without a conflict, and with an empty memory, it is the gradient of the new rows. The loss is theirs. Reports `gem.TASK`: v_k.
 * With one task and γ = 0 it is `agem`.
 * **Differs from the paper** in γ, which there is added to the least v; here, as in the authors' code, it bounds v from below. Avalanche and
 * Mammoth add 1e-3 to the diagonal of `r_j·r_k`; here nothing is added. A penalty in the objective is part of g, once, and of each r_k, as in `agem`.
 * The quadratic program is solved within the step, by a fixed number of pivots in float32: to about 1e-5 of the result's norm, 1e-3 at worst where
 * more tasks than a few have gradients that depend on each other.
 * **See also** `agem` (one condition for all tasks together: two evaluations), `replay` (learns from the remembered rows).
 *
 * @param rehearsal where the remembered rows come from, such as `replay(…).draw(64)`
 * @throws HoldfastError `bad-argument` if `gamma` is negative or not finite; when evaluated, if the batches rehearse something else, or if a batch cannot
 *   be split into rows (`maskTokens`)
 * @see Lopez-Paz and Ranzato, Gradient Episodic Memory for Continual Learning, NeurIPS 2017, arXiv:1706.08840, section 3
 * @see https://github.com/facebookresearch/GradientEpisodicMemory (the authors' code)
 * @example
 * const memory = replay({ perLabel: 10, seed: 1 });
 * memory.remember(first, { head });
 * const guard = gem(memory.draw(64), { gamma: 0.5 });
 * const data = batches(second, { head, rehearse: guard });
 * await fit(model, { objective: crossEntropy(), data, transforms: [guard], optimizer, epochs: 2, seed: 1 });
 */
export function gem(rehearsal: Rehearsal, { gamma = 0.5, taskOf = ({ head }) => head.name }: GemOptions = {}): Gem {
  requireNumber('gem', 'gamma', gamma);
  return rehearsedGradient(
    'gem',
    rehearsal,
    (row) => `gem.${taskOf(row)}`,
    (gram, products) => gemFactors(gram, products, gamma),
  );
}

/** The factors v [t] from the products of the old tasks' gradients with each other [t, t] and with g [t]. */
export const gemFactors = (gram: tf.Tensor2D, products: tf.Tensor1D, gamma: number): tf.Tensor1D =>
  tf.tidy(() => {
    const t = products.size;
    // Of length 1 each, so that one threshold fits all; a gradient of 0 is left as it is.
    const squares = gram.mul(tf.eye(t)).sum<tf.Tensor1D>(1);
    const norms = tf.where(squares.greater(0), squares.sqrt(), 1);
    const [down, across] = [norms.expandDims(1), norms.expandDims(0)];
    const cosines = tf.where(tf.eye(t).greater(0), 1, gram.div(down).div(across)) as tf.Tensor2D;
    const least = norms.mul<tf.Tensor1D>(gamma);
    // With v = (least + z) / norms, the conditions of the minimum are a complementarity problem in z.
    const slopes = products.div(norms).add<tf.Tensor1D>(cosines.mul(least).sum(1));
    const factors = least.add(complementary(cosines, slopes)).div<tf.Tensor1D>(norms);
    return tf.where(products.less(0).any(), factors, 0);
  });

/** What counts as 0 in a table of float32 numbers around 1. */
const TINY = 1e-6;

/**
 * The z ≥ 0 with w = M z + q ≥ 0 and z·w = 0, by Lemke's pivoting: M [t, t] positive semidefinite, q [t] → [t].
 *
 * The table stands for `w − M z − z₀ = q`, columns w, z, z₀, q. A pivot that has nothing to do changes nothing, so their number is fixed:
 * random problems took up to t + 1, nothing is read, and the whole is a graph of one shape.
 */
function complementary(M: tf.Tensor2D, q: tf.Tensor1D): tf.Tensor1D {
  const t = q.size;
  const size = 2 * t + 1;
  let table: tf.Tensor2D = tf.concat(
    [tf.eye(t), M.neg<tf.Tensor2D>(), tf.fill<tf.Rank.R2>([t, 1], -1), q.expandDims<tf.Tensor2D>(1)],
    1,
  ); // [t, 2t + 2]
  let basis: tf.Tensor2D = tf.eye(t, size); // [t, 2t + 1]: row by row, 1 at the variable that stands for it
  let entering: tf.Tensor2D = tf.oneHot(tf.tensor1d([size - 1], 'int32'), size).cast('float32'); // [1, 2t + 1]: z₀
  let pivot = chosen(q, q.min().less(0));

  for (let pivots = 0; pivots < 3 * t + 3; pivots++) {
    const column = columnOf(entering);
    const row = tf.divNoNan(tf.matMul(pivot, table, true), tf.matMul(pivot, column, true)); // [1, 2t + 2]
    table = table.sub(column.sub(pivot).mul(row));
    const leaving: tf.Tensor2D = tf.matMul(pivot, basis, true); // [1, 2t + 1]
    basis = basis.add(pivot.mul(entering.sub(leaving)));
    // The partner of what left; z₀ has none, so that the columns below are 0 from then on.
    entering = tf.concat(
      [leaving.slice<tf.Tensor2D>([0, t], [1, t]), leaving.slice<tf.Tensor2D>([0, 0], [1, t]), tf.zeros<tf.Rank.R2>([1, 1])],
      1,
    );
    const next = columnOf(entering).reshape<tf.Tensor1D>([t]);
    const open = next.greater(TINY);
    pivot = chosen(tf.where(open, lastColumn().div(tf.where(open, next, 1)), Number.MAX_SAFE_INTEGER), open.any());
  }
  return tf.matMul(basis.slice([0, t], [t, t]), lastColumn().expandDims<tf.Tensor2D>(1), true).reshape([t]);

  function columnOf(variable: tf.Tensor2D): tf.Tensor2D {
    return tf.matMul(table.slice([0, 0], [t, size]), variable, false, true); // [t, 1]
  }
  function lastColumn(): tf.Tensor1D {
    return table.slice([0, size], [t, 1]).reshape([t]);
  }
  /** [t, 1]: 1 at the least value, or nowhere. */
  function chosen(values: tf.Tensor1D, any: tf.Tensor): tf.Tensor2D {
    const place = tf.range(0, t, 1, 'int32').equal(values.argMin());
    return place.logicalAnd(any).cast('float32').reshape([t, 1]);
  }
}
