import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { differentiable } from '../engine/fused/native';
import type { LabelWords } from './wordPieces';

/** Scores of the labels from those of the vocabulary: [B, k, V] → [B, L]. */
export type LabelLogits = (scores: Tensor3D, words: LabelWords) => Tensor2D;

/**
 * A label's logit is the mean of the raw logits of its words at the gap: PET's choice.
 *
 * `z[b, l] = Σ_w u[l, w] · 1/k Σ_m s[b, m, id[l, w, m]]` with the scores `s` of shape [B, k, V] at the k masks, and `u` the words' shares.
 * With several masks this differs from the mean log-probability of the pieces by a number per example only, which a softmax does not see.
 *
 * **Cost** L · W · k of the B · k · V scores are read; the way back is a product with a selection of them.
 * **Limits** one word per label and one mask: the word's own logit.
 * **See also** `normalizedLogits`.
 *
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, eq. 1
 */
export const verbalizerLogits: LabelLogits = (scores, words) =>
  tf.sum<Tensor2D>(tf.mul(wordLogits(scores, words), words.weights), 2);

/**
 * OpenPrompt's choice: a softmax over the label words of all labels, its logarithm, the mean per label.
 *
 * `z[b, l] = Σ_w u[l, w] · log softmax(all words' logits)[l, w]`.
 *
 * **Limits** as the shares of a label's words add up to 1, these are `verbalizerLogits` less a number per example: both give the same
 * softmax over the labels and the same loss. They differ where logits are added up or compared across patterns and examples.
 * **Differs from OpenPrompt's code** in taking the mean over the masks of a word first; there its first piece is taken.
 * **See also** `verbalizerLogits`.
 *
 * @see https://github.com/thunlp/OpenPrompt (`ManualVerbalizer`)
 */
export const normalizedLogits: LabelLogits = (scores, words) => {
  const logits = wordLogits(scores, words); // [B, L, W]
  const [B, L, W] = logits.shape;
  const absent = tf.mul(tf.cast(tf.equal(words.weights, 0), 'float32'), -1e9); // [L, W]
  const flat = tf.reshape(tf.add(logits, absent), [B, L * W]);
  const logs = tf.reshape(tf.logSoftmax(flat), [B, L, W]);
  return tf.sum<Tensor2D>(tf.mul(logs, words.weights), 2);
};

/** Each word's logit, the mean over its pieces: [B, k, V] → [B, L, W]. */
export function wordLogits(scores: Tensor3D, { ids }: Pick<LabelWords, 'ids'>): Tensor3D {
  const [B, k, V] = scores.shape;
  const [L, W] = ids.shape;
  const places = tf.add(ids, tf.mul(tf.range(0, k, 1, 'int32'), V)); // [L, W, k]: in the k · V scores of a row
  const found = columnsOf(tf.reshape(scores, [B, k * V]), tf.reshape(tf.cast(places, 'int32'), [-1]));
  return tf.mean<Tensor3D>(tf.reshape(found, [B, L, W, k]), 3);
}

/** Some columns of a matrix: [B, N], [n] int32 → [B, n]. */
const columnsOf = (x: Tensor2D, places: Tensor1D): Tensor2D =>
  differentiable({
    inputs: [x],
    forward: () => ({ value: tf.gather(x, places, 1), saved: [places] }),
    // Not that of a gather, which goes through all N columns one by one on some engines.
    gradient: (dy, saved) => [tf.matMul(dy, tf.oneHot(saved[0]!, x.shape[1], 1, 0, 'float32'))],
  }) as Tensor2D;
