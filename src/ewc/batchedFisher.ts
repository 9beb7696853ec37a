import * as tf from '@tensorflow/tfjs';
import { gradientsOf } from '../core/gradients';
import { denseGradients } from '../core/rows';
import { mapTensors } from '../core/tensors';
import type { Labeled, Model, Tensors, Term } from '../core/types';
import { crossEntropyOf } from '../losses/crossEntropy';
import { meanOverExamples } from './meanOverExamples';
import type { Fisher, FisherData, FisherOptions } from './measuredFisher';

/**
 * What Avalanche and PyContinual measure in place of the Fisher: the squared gradient of each batch's mean loss. **It is not the Fisher**:
 * use it to compare with their numbers, and nothing else.
 *
 * `F_w = 1/K Σ_k (∂ 1/B_k Σ_b −log p(y_b | x_b) / ∂w)²` over K batches of B_k rows, without dropout.
 *
 * **Needs** labels. **Cost** one gradient per batch.
 * **Limits** it depends on the batch size, and on which rows stand together: within a batch gradients of opposite sign cancel, so it is
 * about B times smaller than the Fisher, by another factor for every weight. With batches of one it is `empiricalFisher`.
 * **Differs from** PyContinual, which leaves dropout on.
 * **See also** `empiricalFisher`, the one to train with.
 *
 * @throws HoldfastError as `empiricalFisher` does
 * @see https://github.com/ContinualAI/avalanche (`EWCPlugin.compute_importances`)
 * @example
 * const { diagonal, kind } = await batchedFisher(model, batches(rows, { head, batchSize: 32 }));
 */
export async function batchedFisher(model: Model, data: FisherData, options: FisherOptions = {}): Promise<Fisher> {
  const { weights: wanted = () => true, ...rest } = options;
  const squaresOf = (batch: Labeled, taken: number) => (): Tensors => {
    const { grads, rows } = gradientsOf(meanOfFirst(taken), model)(batch);
    const own = Object.fromEntries(Object.entries(grads).filter(([name]) => wanted(name)));
    return mapTensors(denseGradients(own, rows, model.weights), tf.square);
  };
  const { mean, ...measured } = await meanOverExamples(
    'batchedFisher',
    model,
    data,
    rest,
    async (batch: Labeled, taken) => [squaresOf(batch, taken)],
    () => 1,
  );
  return { kind: 'batched', diagonal: mean, ...measured };
}

/** The mean loss of the first `taken` rows. */
const meanOfFirst =
  (taken: number): Term<Labeled> =>
  ({ output, batch }) =>
    tf.mean<tf.Scalar>(tf.slice(crossEntropyOf(output.logits, batch.labels, batch.classes), [0], [taken]));
