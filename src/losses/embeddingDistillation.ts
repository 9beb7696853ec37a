import * as tf from '@tensorflow/tfjs';
import type { Batch, Term } from '../core/types';
import { weightOf } from '../core/weightOf';
import { cosineOf, presentRows } from './cosine';

export interface EmbeddingDistillationOptions {
  /** Name of a weight W of shape [D, H] that maps the model's vectors to the teacher's space. Default: none, D = H. */
  readonly projection?: string;
}

/**
 * Distillation of sentence vectors: the model's vector of a text must point where a teacher's vector of it points.
 *
 * `L = Σ_b k_b (1 − cos(W p_b, t_b)) / Σ_b k_b` with `p` the pooled vectors [B, H], `t` the teacher's [B, D], W of [D, H].
 * A row of zeros in `t` says that the teacher does not know this text: its `k_b` is 0, all others' 1.
 *
 * Give a translation the teacher's vector of the original, and the languages share one space.
 *
 * **Needs** the teacher's vectors in the batch: they are made once, before the training. A projection is a weight of the model that
 * is trained (an entry of `model.weights` and `model.trainable`).
 * **Cost** the evaluation of the batch that all terms share.
 * **Limits** 0 where every vector has its teacher's direction; a batch without any known row gives 0.
 * **Differs from the paper's code** (`MSELoss` of sentence-transformers) in comparing directions, not values, so the lengths are free.
 * **See also** `similarityDistillation` (only the angles between texts count, so no projection is needed).
 *
 * @param targets the teacher's vectors [B, D] of a batch
 * @throws HoldfastError when evaluated, `bad-argument` if the projection is no weight
 * @see Reimers and Gurevych, Making Monolingual Sentence Embeddings Multilingual using Knowledge Distillation, EMNLP 2020,
 *   arXiv:2004.09813, eq. 1
 * @example
 * const teacher = model.clone();
 * const objective: Term = embeddingDistillation(({ inputs }) => stopGradient(() => teacher.forward(inputs).pooled));
 * await fit(model, { objective, data: batches(examples), optimizer, seed: 1 });
 */
export function embeddingDistillation<B extends Batch>(
  targets: (batch: B) => tf.Tensor2D,
  { projection }: EmbeddingDistillationOptions = {},
): Term<B> {
  return ({ batch, output: { pooled }, weights }) => {
    const teacher = targets(batch);
    const mapped = projection === undefined ? pooled : tf.matMul(pooled, weightOf(weights, projection), false, true); // [B, D]
    const known = tf.squeeze<tf.Tensor1D>(presentRows(teacher), [1]); // [B]
    const total = tf.sum(tf.mul(cosineDistanceOf(mapped as tf.Tensor2D, teacher), known));
    return tf.div<tf.Scalar>(total, tf.maximum(tf.sum(known), 1));
  };
}

/** `1 − cos(x_b, y_b)` of each row: [B, D], [B, D] → [B]; 1 where either is zero. */
export const cosineDistanceOf = (x: tf.Tensor2D, y: tf.Tensor2D): tf.Tensor1D => tf.sub(1, cosineOf(x, y));
