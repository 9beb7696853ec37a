import * as tf from '@tensorflow/tfjs';
import type { Batch, Term } from '../core/types';
import { presentRows, unitRows } from './cosine';

/**
 * Relational distillation: the texts of a batch must be as similar to each other for the model as they are for its teachers.
 *
 * `L = Σ_ij k_ij (s_ij − t_ij)² / Σ_ij k_ij` over the pairs i ≠ j, with `s_ij` the cosine of the model's pooled vectors [B, H] and
 * `t_ij` the mean cosine over the teachers that know both texts; `k_ij` is 0 where none does, else 1. A row of zeros in a teacher's
 * vectors says that it does not know this text.
 *
 * **Needs** the teachers' vectors in the batch, of any width: nothing is projected. Batches of two rows or more.
 * **Cost** B² numbers beside the evaluation of the batch that all terms share.
 * **Limits** 0 where the angles agree, whatever rotation lies between the spaces; 0 for a batch of one row.
 * **Differs from the paper** in cosines instead of rows of inner products that are normalised, and in leaving out the diagonal, which
 * is 1 on both sides.
 * **See also** `embeddingDistillation` (each text by itself).
 *
 * @param targets the vectors of each teacher [B, D] for a batch
 * @see Tung and Mori, Similarity-Preserving Knowledge Distillation, ICCV 2019, arXiv:1907.09682, eq. 4
 * @example
 * const teacher = model.clone();
 * const objective: Term = similarityDistillation(({ inputs }) => [stopGradient(() => teacher.forward(inputs).pooled)]);
 * await fit(model, { objective, data: batches(examples), optimizer, seed: 1 });
 */
export function similarityDistillation<B extends Batch>(targets: (batch: B) => readonly tf.Tensor2D[]): Term<B> {
  return ({ batch, output: { pooled } }) => {
    const { similarities, known } = meanSimilarityOf(targets(batch));
    const losses = similarityDistillationOf(pooled, similarities, known);
    return tf.div<tf.Scalar>(tf.sum(losses), tf.maximum(tf.sum(known), 1));
  };
}

/** The summed squared difference of each row's cosines to the others: x [B, H], similarities [B, B], known [B, B] of 1 and 0 → [B]. */
export const similarityDistillationOf = (x: tf.Tensor2D, similarities: tf.Tensor2D, known: tf.Tensor2D): tf.Tensor1D =>
  tf.sum<tf.Tensor1D>(tf.mul(tf.square(tf.sub(cosinesOf(x), similarities)), known), 1);

/** Mean cosine over the teachers that know both texts, [B, B], and whether one does, [B, B]; nothing on the diagonal. */
export function meanSimilarityOf(teachers: readonly tf.Tensor2D[]): { similarities: tf.Tensor2D; known: tf.Tensor2D } {
  const present = teachers.map(presentRows); // [B, 1] each
  const counts = tf.addN(present.map((rows) => tf.matMul(rows, rows, false, true))); // [B, B]
  const similarities = tf.div<tf.Tensor2D>(tf.addN(teachers.map(cosinesOf)), tf.maximum(counts, 1));
  const [B] = counts.shape;
  const others = tf.sub(1, tf.eye(B)); // [B, B]
  return { similarities, known: tf.mul(tf.minimum(counts, 1), others) };
}

/** [B, D] → [B, B]; 0 to and from a row of zeros. */
function cosinesOf(x: tf.Tensor2D): tf.Tensor2D {
  const unit = unitRows(x);
  return tf.matMul(unit, unit, false, true);
}
