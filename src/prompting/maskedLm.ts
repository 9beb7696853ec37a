import * as tf from '@tensorflow/tfjs';
import { stopGradient } from '../core/stopGradient';
import type { Term } from '../core/types';
import { softmaxCrossEntropy } from '../engine/fused';
import { scoresAt } from './maskScores';
import type { Masked } from './maskTokens';

/**
 * Masked language modelling: the model guesses the tokens that `maskTokens` has hidden, from what stands around them.
 *
 * `L = mean_n −ln softmax(z_n)[y_n]` with `z` of shape [N, V], the vocabulary scores at the N hidden places alone.
 * Reports the share of right guesses as `maskedAccuracy`.
 *
 * **Needs** a masked view (`maskTokens`) and a model with a masked-language head (`model.addMaskedLmHead()`).
 * **Cost** one evaluation of the network on the masked view, and N · V scores instead of B · T · V; the gradient of the word
 * embeddings becomes dense, as the decoder is tied to them.
 * **Limits** where it stands alone the unmasked text is not evaluated.
 * **Differs from PET's code** in nothing but the places that are never scored.
 * **See also** `maskTokens`; `weighted` beside a cross entropy keeps a model from forgetting its language.
 *
 * @throws HoldfastError when evaluated, `not-found` if the model has no masked-language head
 * @see Devlin et al., BERT, NAACL 2019, arXiv:1810.04805, section 3.1
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const objective = sum(crossEntropy(), weighted(1e-4, maskedLm()));
 * await fit(model, { objective, data: maskTokens(batches(train, { head })), optimizer, seed: 1 });
 */
export const maskedLm =
  (): Term<Masked> =>
  ({ batch: { masked }, model, options, forward, report }) => {
    const { hidden } = forward(masked.inputs);
    const scores = scoresAt(model, hidden, masked.positions, options); // [N, V]
    report(
      'maskedAccuracy',
      stopGradient(() => accuracyOf(scores, masked.targets)),
    );
    return tf.mean<tf.Scalar>(softmaxCrossEntropy(scores, masked.targets));
  };

const accuracyOf = (scores: tf.Tensor2D, targets: tf.Tensor1D): tf.Scalar =>
  tf.mean<tf.Scalar>(tf.cast(tf.equal(tf.argMax(scores, -1), targets), 'float32'));
