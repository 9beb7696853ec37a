import * as tf from '@tensorflow/tfjs';
import { createRng } from '../core/rng';
import type { Labeled, Model } from '../core/types';
import { openLogits } from '../losses/openLogits';
import { numbersOf } from './meanOverExamples';
import { measuredFisher, type Fisher, type FisherData, type FisherOptions, type Labeling } from './measuredFisher';

/**
 * The empirical Fisher: squared gradients at the labels of the data, one example at a time, then averaged. The usual choice for EWC.
 *
 * `F_w = 1/N Σ_b (∂ log p(y_b | x_b) / ∂w)²`, in batched passes (see `squaredGradients`), without dropout.
 *
 * **Needs** labels. **Cost** one `squaredGradients` per batch.
 * **Differs** from Avalanche and PyContinual, which square the gradient of a batch's mean (`batchedFisher`): about B times smaller, and not
 * the Fisher.
 * **See also** `sampledFisher` (labels drawn from the model; unbiased), `exactFisher` (no draw, C times the cost), `normalised` (a
 * scale of its own).
 *
 * @throws HoldfastError `bad-data` without any example, `not-finite` if a gradient is not, `aborted`
 * @see Kirkpatrick et al., Overcoming catastrophic forgetting in neural networks, PNAS 2017, arXiv:1612.00796
 * @see Kunstner et al., Limitations of the Empirical Fisher Approximation, NeurIPS 2019, arXiv:1905.12558
 * @example
 * const { diagonal, total } = await empiricalFisher(model, batches(rows.slice(0, 200), { head, batchSize: 32 }));
 */
export function empiricalFisher(model: Model, data: FisherData, options: FisherOptions = {}): Promise<Fisher> {
  return measuredFisher('empirical', model, data, options, async ({ labels }) => [
    { labels: await labels.data<'int32'>(), counts: ones(labels.size) },
  ]);
}

/**
 * The Fisher with one label per example drawn from the model's own distribution: right on average, with the noise of the draw.
 *
 * **Cost** one more forward pass per batch than `empiricalFisher`.
 *
 * @throws HoldfastError as `empiricalFisher` does
 * @example
 * const { diagonal } = await sampledFisher(model, batches(rows, { head }), { samples: 200, seed: 1 });
 */
export function sampledFisher(model: Model, data: FisherData, options: FisherOptions = {}): Promise<Fisher> {
  const draw = createRng(options.seed ?? 0);
  return measuredFisher('sampled', model, data, options, async (batch) => {
    const [probabilities, C] = await ownProbabilities(model, batch);
    const labels = Int32Array.from({ length: batch.labels.size }, (_, b) =>
      drawn(probabilities.subarray(b * C, (b + 1) * C), draw() / 2 ** 32),
    );
    return [{ labels, counts: ones(labels.length) }];
  });
}

/**
 * The Fisher itself: the expectation over the model's own label distribution, `F_w = 1/N Σ_b Σ_c p(c | x_b) (∂ log p(c | x_b) / ∂w)²`.
 *
 * **Cost** as many passes per batch as there are classes that take part. No labels are needed, but the batch type carries them.
 *
 * @throws HoldfastError as `empiricalFisher` does
 * @example
 * const { diagonal } = await exactFisher(model, batches(rows, { head }), { samples: 200 });
 */
export function exactFisher(model: Model, data: FisherData, options: FisherOptions = {}): Promise<Fisher> {
  return measuredFisher('exact', model, data, options, async (batch) => {
    const [probabilities, C] = await ownProbabilities(model, batch);
    const B = batch.labels.size;
    const ofClass = (c: number): Labeling => ({
      labels: new Int32Array(B).fill(c),
      counts: Float32Array.from({ length: B }, (_, b) => probabilities[b * C + c]!),
    });
    return Array.from({ length: C }, (_, c) => ofClass(c)).filter(({ counts }) => counts.some((p) => p > 0));
  });
}

const ones = (length: number): Float32Array => new Float32Array(length).fill(1);

async function ownProbabilities(model: Model, { inputs, classes, labels }: Labeled): Promise<[p: Float32Array, C: number]> {
  const p = await numbersOf(() => tf.exp(tf.logSoftmax(openLogits(model.forward(inputs).logits, classes)))); // [B, C]
  return [p, p.length / labels.size];
}

/** The class whose share of [0, 1) contains `at`. */
function drawn(probabilities: Float32Array, at: number): number {
  let below = 0;
  let last = 0;
  for (const [c, p] of probabilities.entries()) {
    if (p > 0) last = c;
    below += p;
    if (at < below && p > 0) return c;
  }
  return last;
}
