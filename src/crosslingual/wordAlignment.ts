import * as tf from '@tensorflow/tfjs';
import type { Term } from '../core/types';
import { cosineOf } from '../losses/cosine';
import type { WordAligned } from './alignWords';

/** How far the words of each pair are apart: states [P, H], [P, H] → [P]. */
export type WordDistance = (source: tf.Tensor2D, target: tf.Tensor2D) => tf.Tensor1D;

export interface WordAlignmentOptions {
  /** `squaredDistance` or `cosineDistance`. Default `squaredDistance`. */
  readonly distance?: WordDistance;
}

/** `‖u_p − v_p‖²`: the paper's. */
export const squaredDistance: WordDistance = (source, target) => tf.sum(tf.square(tf.sub(source, target)), 1);

/** `1 − cos(u_p, v_p)`: the length of the states is left alone. */
export const cosineDistance: WordDistance = (source, target) => tf.sub(1, cosineOf(source, target));

/**
 * Words that say the same must have the same hidden states, in the text and in its translation.
 *
 * `L = mean_p ‖u_p − v_p‖²` with `u`, `v` [P, H] the last layer's states of the P pairs of `alignWords`; a batch without any is 0.
 *
 * **Needs** parallel texts and their pairs of words. **Cost** one more evaluation of the network.
 * **Limits** alone it is 0 for a model that gives all words one state. The squared distance is a sum over H: give it a small weight.
 * **Differs from the paper** in what keeps the states from falling together: there a penalty on the distance from what the model said before
 * of the English words, here whatever stands beside the term (`crossEntropy`, `l2sp`).
 * **See also** `alignWords`, `infoNce` and `pooledConsistency` (sentences), `consistency` (answers).
 *
 * @see Cao et al., Multilingual Alignment of Contextual Word Representations, ICLR 2020, arXiv:2002.03518, section 3
 * @example
 * const parallel = train.map((row) => ({ ...row, views: { translation: { text: 'wo ist meine Rechnung' } } }));
 * const pairs = dictionaryPairs(dictionary({ de: [['invoice', 'Rechnung']] }), 'de');
 * const objective = sum(crossEntropy(), weighted(0.01, wordAlignment()));
 * await fit(model, { objective, data: alignWords(batches(parallel, { head }), { pairs }), optimizer, seed: 1 });
 */
export const wordAlignment =
  ({ distance = squaredDistance }: WordAlignmentOptions = {}): Term<WordAligned> =>
  ({ batch: { translation, wordPairs }, model, output, forward }) => {
    const statesAt = (hidden: tf.Tensor3D, places: tf.Tensor1D) =>
      tf.gather(tf.reshape<tf.Rank.R2>(hidden, [-1, model.hiddenSize]), places); // [P, H]
    const distances = distance(
      statesAt(output.hidden, wordPairs.sources),
      statesAt(forward(translation).hidden, wordPairs.targets),
    ); // [P]
    return tf.sum<tf.Scalar>(tf.mul(distances, wordPairs.weights));
  };
