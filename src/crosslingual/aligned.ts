import * as tf from '@tensorflow/tfjs';
import { requirePositive } from '../core/errors';
import type { Batch, Encoded, Term } from '../core/types';
import { cosineOf } from '../losses/cosine';
import { meanOf } from '../losses/meanOf';
import { inBatchCrossEntropyOf } from '../losses/simcse';
import type { CodeSwitched } from './consistency';

/** A batch whose texts each have their translation. */
export interface Parallel extends Batch {
  readonly translation: Encoded;
}

export interface InfoNceOptions {
  /** What cosines are divided by, above 0. Default 0.05. */
  readonly temperature?: number;
}

/**
 * A text and its code-switched form must have vectors of the same direction.
 *
 * `L = mean_b (1 − cos(u_b, v_b))` with the pooled vectors `u`, `v` [B, H] of the text and of the view `codeSwitched`.
 *
 * **Needs** the view of `codeSwitch`; no labels. **Cost** one more evaluation of the network.
 * **Limits** alone it is 0 for a model that gives all texts one vector: add it to a loss that keeps them apart.
 * **See also** `consistency` (answers instead of vectors), `infoNce`.
 *
 * @example
 * const switched = codeSwitch({ dictionary: dictionary({ de: [['money', 'Geld']] }), rate: 0.3 });
 * const objective = sum(crossEntropy(), pooledConsistency());
 * await fit(model, { objective, data: batches(switched(train), { head }), optimizer, seed: 1 });
 */
export const pooledConsistency =
  (): Term<CodeSwitched> =>
  ({ batch, output, forward }) =>
    meanOf(pooledConsistencyOf(output.pooled, forward(batch.codeSwitched).pooled), batch);

/** `1 − cos(u_b, v_b)` of each row: [B, H], [B, H] → [B]. */
export const pooledConsistencyOf = (u: tf.Tensor2D, v: tf.Tensor2D): tf.Tensor1D => tf.sub(1, cosineOf(u, v));

/**
 * A sentence must find its translation among those of its batch, and the translation its sentence.
 *
 * `L = ½ mean_b [ −ln softmax_j(cos(u_b, v_j) / τ)[b] − ln softmax_j(cos(v_b, u_j) / τ)[b] ]` with the pooled vectors `u`, `v` [B, H] of the
 * texts and of the view `translation`.
 *
 * **Needs** parallel sentences, in batches of many rows: each row's negatives are the other rows.
 * **Cost** one more evaluation of the network, and B² numbers.
 * **Limits** a batch of one row is 0. The same sentence twice in a batch is its own negative: drop repeated ones.
 * **See also** `simcse`, `pooledConsistency`.
 *
 * @throws HoldfastError `bad-argument` if `temperature` is not above 0
 * @see van den Oord et al., Representation Learning with Contrastive Predictive Coding, 2018, arXiv:1807.03748, eq. 4
 * @example
 * const parallel = train.map((row) => ({ ...row, views: { translation: { text: 'wo ist meine rechnung' } } }));
 * await fit(model, { objective: infoNce(), data: batches(parallel), optimizer, seed: 1 });
 */
export function infoNce({ temperature = 0.05 }: InfoNceOptions = {}): Term<Parallel> {
  requirePositive('infoNce', 'temperature', temperature);
  return ({ batch, output, forward }) =>
    tf.mean<tf.Scalar>(infoNceOf(output.pooled, forward(batch.translation).pooled, temperature));
}

/** The loss of each row, the mean of both directions: [B, H], [B, H] → [B]. */
export const infoNceOf = (u: tf.Tensor2D, v: tf.Tensor2D, temperature: number): tf.Tensor1D =>
  tf.mul(tf.add<tf.Tensor1D>(inBatchCrossEntropyOf(u, v, temperature), inBatchCrossEntropyOf(v, u, temperature)), 0.5);
