import * as tf from '@tensorflow/tfjs';
import { stopGradient } from '../core/stopGradient';
import type { Pass, Term } from '../core/types';
import { softmaxCrossEntropy } from '../engine/fused';
import type { Cloze } from './cloze';
import { maskScores } from './maskScores';
import { verbalizerLogits, type LabelLogits } from './verbalizerLogits';

export interface ClozeCrossEntropyOptions {
  /** Scores of the vocabulary at the gaps → logits of the labels. Default `verbalizerLogits`. */
  readonly logits?: LabelLogits;
}

/**
 * Cross entropy at the gap of a cloze question: how surprised the model is by the words of the right label, among those of all labels.
 *
 * `L = mean_b −ln softmax(z_b)[y_b]` with the labels' logits `z` of shape [B, L] (see `verbalizerLogits`).
 * Reports the share of right answers as `clozeAccuracy`.
 *
 * **Needs** the batches of `cloze` and a model with a masked-language head.
 * **Cost** one evaluation of the network, and B · k · V scores; the gradient of the word embeddings becomes dense.
 * **Limits** no other word of the vocabulary takes part, as in PET.
 * **See also** `pet`, which adds masked language modelling.
 *
 * @throws HoldfastError when evaluated, `not-found` if the model has no masked-language head
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.1
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * await fit(model, { objective: clozeCrossEntropy(), data: cloze(train, task), optimizer, seed: 1 });
 */
export const clozeCrossEntropy =
  ({ logits = verbalizerLogits }: ClozeCrossEntropyOptions = {}): Term<Cloze> =>
  (pass) => {
    const { labels } = pass.batch.cloze;
    const z = clozeLogits(pass, logits); // [B, L]
    pass.report(
      'clozeAccuracy',
      stopGradient(() => tf.mean<tf.Scalar>(tf.cast(tf.equal(tf.argMax(z, -1), labels), 'float32'))),
    );
    return tf.mean<tf.Scalar>(softmaxCrossEntropy(z, labels));
  };

/** The labels' logits [B, L] of a pass over cloze questions. */
export function clozeLogits({ batch, model, options, output }: Pass<Cloze>, logits: LabelLogits = verbalizerLogits): tf.Tensor2D {
  const { positions, words } = batch.cloze;
  return logits(maskScores(model, output.hidden, positions, options), words);
}
