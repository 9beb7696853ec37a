import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor3D } from '@tensorflow/tfjs';
import { sum } from '../core/objective';
import { stopGradient } from '../core/stopGradient';
import type { Term } from '../core/types';
import { softmaxCrossEntropy } from '../engine/fused';
import type { Cloze } from './cloze';
import type { LabelConditioned } from './labelConditioned';
import { maskScores, scoresAt } from './maskScores';
import { wordLogits } from './verbalizerLogits';
import type { LabelWords } from './wordPieces';

/**
 * ADAPET: few labels are learnt as cloze questions, without unlabelled text: from all words of the vocabulary at the gap, and from what
 * a right or a wrong answer says of the text around it.
 *
 * `L = decoupledLabelLoss + labelConditionedMlm`.
 *
 * **Needs** `labelConditioned(cloze(…))` and a model with a masked-language head.
 * **Cost** two evaluations of the network: one on the questions, one on those with an answer.
 * **Limits** `sum(decoupledLabelLoss(), weighted(0.1, labelConditionedMlm()))` weighs the parts otherwise.
 * **Differs from the paper** in the mean over the words of a label, which has one there.
 * **See also** `pet`, which compares the label words with each other alone and keeps the language by unlabelled text.
 *
 * @throws HoldfastError when evaluated, `not-found` without a masked-language head
 * @see Tam et al., Improving and Simplifying Pattern Exploiting Training, EMNLP 2021, arXiv:2103.11955, section 3
 * @see https://github.com/rrmenon10/ADAPET
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * await fit(model, { objective: adapet(), data: labelConditioned(cloze(train, task)), optimizer, seed: 1 });
 */
export const adapet = (): Term<LabelConditioned> => sum(decoupledLabelLoss(), labelConditionedMlm());

/**
 * The label loss of ADAPET: at the gap, the right label's words must become likely among all words of the vocabulary, and those of each
 * other label unlikely, every label by itself.
 *
 * `L = mean_b [ −Σ_w u[y_b, w] ln q[b, y_b, w] − Σ_{l ≠ y_b} Σ_w u[l, w] ln(1 − q[b, l, w]) ]` with `q[b, l, w]` the probability of the
 * word at the gap, in the softmax over the whole vocabulary; of a word of several pieces the geometric mean over them; `u` the words'
 * shares of their label. Reports the share of right answers as `clozeAccuracy`.
 *
 * **Needs** the batches of `cloze`. **Cost** that of `clozeCrossEntropy`.
 * **Limits** a wrong word of probability 1 gives a loss of 16.1 and no gradient.
 * **See also** `adapet`, `clozeCrossEntropy`.
 *
 * @see Tam et al., Improving and Simplifying Pattern Exploiting Training, EMNLP 2021, arXiv:2103.11955, section 3.1
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * await fit(model, { objective: decoupledLabelLoss(), data: cloze(train, task), optimizer, seed: 1 });
 */
export const decoupledLabelLoss =
  (): Term<Cloze> =>
  ({ batch, model, options, output, report }) => {
    const { positions, words, labels } = batch.cloze;
    const logs = wordLogits(tf.logSoftmax(maskScores(model, output.hidden, positions, options)), words); // [B, L, W]
    report(
      'clozeAccuracy',
      stopGradient(() => {
        const best = tf.argMax(tf.sum(tf.mul(logs, words.weights), 2), -1);
        return tf.mean<tf.Scalar>(tf.cast(tf.equal(best, labels), 'float32'));
      }),
    );
    return tf.mean<tf.Scalar>(decoupledLabelLossOf(logs, labels, words.weights));
  };

/** The loss per example: logarithms of the words' probabilities [B, L, W], labels [B] int32, the words' shares [L, W] → [B]. */
export function decoupledLabelLossOf(logs: Tensor3D, labels: Tensor1D, weights: LabelWords['weights']): Tensor1D {
  const right = tf.expandDims(tf.oneHot(labels, weights.shape[0], 1, 0, 'float32'), 2); // [B, L, 1]
  const losses = judged(logs, right); // [B, L, W]
  return tf.sum<Tensor1D>(tf.mul(losses, weights), [1, 2]);
}

/**
 * The other half of ADAPET: with the right answer in the gap the model must guess the hidden tokens of the text; with a wrong one these
 * tokens must become unlikely.
 *
 * `L = mean_n [ −r_n ln q_n − (1 − r_n) ln(1 − q_n) ]` with `q_n` the probability of the hidden token n and `r_n` 1 in a row with the right
 * answer, 0 in one with a wrong.
 *
 * **Needs** `labelConditioned(cloze(…))`. **Cost** one evaluation of the network, and N · V scores.
 * **Limits** with right answers alone it is `maskedLm` on texts with their answers.
 * **See also** `adapet`.
 *
 * @see Tam et al., Improving and Simplifying Pattern Exploiting Training, EMNLP 2021, arXiv:2103.11955, section 3.2
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const objective = sum(clozeCrossEntropy(), weighted(0.1, labelConditionedMlm()));
 * await fit(model, { objective, data: labelConditioned(cloze(train, task)), optimizer, seed: 1 });
 */
export const labelConditionedMlm =
  (): Term<LabelConditioned> =>
  ({ batch: { conditioned }, model, options, forward }) => {
    const { hidden } = forward(conditioned.inputs);
    const scores = scoresAt(model, hidden, conditioned.positions, options); // [N, V]
    const logs = tf.neg(softmaxCrossEntropy(scores, conditioned.targets)); // [N]
    return tf.mean<tf.Scalar>(judged(logs, conditioned.right));
  };

/** `−ln q` where it is right, `−ln(1 − q)` where it is wrong. */
function judged(logs: tf.Tensor, right: tf.Tensor): tf.Tensor {
  // 1 − q has no digits left below this, and a logarithm of 0 would make every gradient NaN.
  const others = tf.maximum(tf.sub(1, tf.exp(logs)), 1e-7);
  return tf.neg(tf.add(tf.mul(right, logs), tf.mul(tf.sub(1, right), tf.log(others))));
}
