import * as tf from '@tensorflow/tfjs';
import type { Batch, Encoded, Term } from '../core/types';
import { cosineOf } from './cosine';

/** A batch of pairs of texts, each with how similar they are to be. */
export interface Paired extends Batch {
  /** The second texts. */
  readonly other: Encoded;
  /** [B] float32: the cosine that is wanted; 1 = same meaning, 0 = nothing in common. */
  readonly targets: tf.Tensor1D;
}

/**
 * Pulls the vectors of two texts to a given similarity: same class together, different classes to a right angle.
 *
 * `L = mean_b (cos(u_b, v_b) − t_b)²` with the pooled vectors `u`, `v` [B, H] of both texts and the targets `t` [B].
 * The same as sentence-transformers' `CosineSimilarityLoss`.
 *
 * **Needs** pairs with a target: `contrastivePairs`, or `scoredPairs` where similarities are known. **Cost** two evaluations of the network.
 * **Limits** 0 where every pair has its cosine; the vectors' lengths are free.
 * **See also** `simcse`, which needs no labels; `setFit`, which trains with this.
 *
 * @see Reimers and Gurevych, Sentence-BERT, EMNLP 2019, arXiv:1908.10084, section 3 (regression objective)
 * @example
 * await fit(model, { objective: cosineSimilarityLoss(), data: contrastivePairs(train, { pairs: 2 }), optimizer, seed: 1 });
 */
export const cosineSimilarityLoss =
  (): Term<Paired> =>
  ({ batch, output, forward }) =>
    tf.mean<tf.Scalar>(cosineSimilarityLossOf(output.pooled, forward(batch.other).pooled, batch.targets));

/** `(cos(u_b, v_b) − t_b)²` of each row: [B, H], [B, H], [B] → [B]. */
export const cosineSimilarityLossOf = (u: tf.Tensor2D, v: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor1D =>
  tf.square(tf.sub(cosineOf(u, v), targets));
