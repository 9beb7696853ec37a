import * as tf from '@tensorflow/tfjs';
import { mapTensors } from '../core/tensors';
import type { Model } from '../core/types';
import type { EwcOptions } from './ewc';
import { empiricalFisher } from './fisher';
import { numbersOf } from './meanOverExamples';
import type { Fisher, FisherData, FisherOptions } from './measuredFisher';

/**
 * The scale of λ made automatic: a Fisher divided by the mean of its entries above 0, so that the average held weight counts 1.
 *
 * `F ← s F` with `s = 1 / mean{ F_i : F_i > 0 }`, s given as `scale`; `total` and `largest` are those after it.
 *
 * A Fisher's size depends on the model, on its loss and on how sure it is, over many powers of ten, and λ with it. Divided by the mean, λ
 * is what it is for `l2sp`, for the average weight, in every model. The mean rather than the largest
 * entry, which is one weight's own and often far away from all others; entries of 0 are left out because they are the embeddings of
 * words that did not occur, and λ would grow with the vocabulary.
 *
 * **Cost** two passes over the held weights at each `consolidate`.
 * **Limits** every task then counts the same: one that the model is sure of, whose Fisher is small, is held as firmly as the others.
 * A Fisher of zeros stays as it is.
 * **Differs from the paper**, which leaves the scale to λ.
 *
 * @param measure what is divided; default `empiricalFisher`
 * @throws HoldfastError as `measure` does
 * @see `ewc` and `onlineEwc`, whose option `fisher` it is for
 * @example
 * const guard = ewc({ lambda: 1, fisher: normalised() });
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 * const { total, largest, scale } = await guard.consolidate(model, batches(first.slice(0, 200), { head }));
 */
export function normalised(measure: NonNullable<EwcOptions['fisher']> = empiricalFisher): NonNullable<EwcOptions['fisher']> {
  return async (model: Model, data: FisherData, options: FisherOptions) => {
    const { diagonal, total, largest, scale: before = 1, ...measured }: Fisher = await measure(model, data, options);
    try {
      const [above] = await numbersOf(() => tf.sum(tf.stack([0, ...Object.values(diagonal).map(countAboveZero)])));
      const scale = total > 0 ? above! / total : 1;
      return {
        ...measured,
        diagonal: tf.tidy(() => mapTensors(diagonal, (values) => values.mul(scale))),
        total: total * scale,
        largest: largest * scale,
        scale: before * scale,
      };
    } finally {
      tf.dispose(diagonal);
    }
  };
}

const countAboveZero = (values: tf.Tensor): tf.Scalar => tf.sum<tf.Scalar>(tf.greater(values, 0).cast('float32'));
