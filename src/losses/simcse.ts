import * as tf from '@tensorflow/tfjs';
import { requirePositive } from '../core/errors';
import type { Batch, Encoded, Term } from '../core/types';
import { softmaxCrossEntropy } from '../engine/fused';
import { unitRows } from './cosine';

export interface SimcseOptions {
  /** What cosines are divided by, above 0: the lower, the more the nearest wrong text counts. Default 0.05. */
  readonly temperature?: number;
}

/** A batch whose texts each have one that means the same, and one that does not though it is close. */
export interface Contrasted extends Batch {
  readonly positive: Encoded;
  readonly negative: Encoded;
}

/**
 * Unsupervised SimCSE: a text must find itself among the texts of its batch, though dropout has changed both.
 *
 * `L = mean_b −ln softmax_j(cos(u_b, v_j) / τ)[b]` with `u`, `v` [B, H] the pooled vectors of two passes over the same texts, each with its
 * own dropout.
 *
 * **Needs** texts without labels, and a model with dropout. Batches of many rows: each row's negatives are the other rows.
 * **Cost** two evaluations of the network, and B² numbers. Accumulating batches does not add negatives.
 * **Limits** a batch of one row is 0. The same text twice in a batch is its own negative: drop repeated texts.
 * **Differs from the paper** in pooling as the model does, without the further layer that is used in its training only.
 * **See also** `supervisedSimcse`, `cosineSimilarityLoss`.
 *
 * @throws HoldfastError `bad-argument` if `temperature` is not above 0
 * @see Gao et al., SimCSE: Simple Contrastive Learning of Sentence Embeddings, EMNLP 2021, arXiv:2104.08821, eq. 4
 * @see https://github.com/princeton-nlp/SimCSE
 * @example
 * await fit(model, { objective: simcse(), data: batches(examples, { batchSize: 64 }), optimizer, seed: 1 });
 */
export function simcse({ temperature = 0.05 }: SimcseOptions = {}): Term {
  requirePositive('simcse', 'temperature', temperature);
  return ({ batch, output, forward }) =>
    tf.mean<tf.Scalar>(inBatchCrossEntropyOf(output.pooled, forward(batch.inputs).pooled, temperature));
}

/**
 * Supervised SimCSE: a text must find the one that means the same, among those of its batch and all hard negatives.
 *
 * `L = mean_b −ln softmax_j(cos(u_b, c_j) / τ)[b]` with the candidates `c` [2B, H]: the B positives, then the B negatives.
 *
 * **Needs** examples with the views `positive` and `negative`: premise, what follows from it, what contradicts it.
 * **Cost** three evaluations of the network, and 2B² numbers.
 * **Limits** the further weight of a text's own negative, 0 in the paper's code, is not here.
 * **See also** `simcse`.
 *
 * @throws HoldfastError `bad-argument` if `temperature` is not above 0
 * @see Gao et al., SimCSE: Simple Contrastive Learning of Sentence Embeddings, EMNLP 2021, arXiv:2104.08821, eq. 5
 * @example
 * const views = { positive: { text: 'i want a refund' }, negative: { text: 'i want an invoice' } };
 * const triples = train.map((row) => ({ ...row, views }));
 * await fit(model, { objective: supervisedSimcse(), data: batches(triples), optimizer, seed: 1 });
 */
export function supervisedSimcse({ temperature = 0.05 }: SimcseOptions = {}): Term<Contrasted> {
  requirePositive('supervisedSimcse', 'temperature', temperature);
  return ({ batch, output, forward }) => {
    const candidates = tf.concat([forward(batch.positive).pooled, forward(batch.negative).pooled]); // [2B, H]
    return tf.mean<tf.Scalar>(inBatchCrossEntropyOf(output.pooled, candidates, temperature));
  };
}

/** How surprising it is that row b of `u` belongs to row b of the candidates: [B, H], [M, H] with M ≥ B → [B]. */
export function inBatchCrossEntropyOf(u: tf.Tensor2D, candidates: tf.Tensor2D, temperature: number): tf.Tensor1D {
  const cosines = tf.matMul(unitRows(u), unitRows(candidates), false, true); // [B, M]
  return softmaxCrossEntropy(tf.div(cosines, temperature), tf.range(0, u.shape[0], 1, 'int32'));
}
