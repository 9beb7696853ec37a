import * as tf from '@tensorflow/tfjs';
import type { Labeled, Model, Output, Tensors } from '../core/types';
import type { Batches } from '../data/types';
import { crossEntropyOf } from '../losses/crossEntropy';
import { meanOverExamples, type MeasureOptions } from './meanOverExamples';
import { squaredGradients } from './perExample';

/** A recipe of batches (opened, read and disposed here), or batches that exist already (they stay the caller's). */
export type FisherData<B extends Labeled = Labeled> = Batches<B> | Iterable<B> | AsyncIterable<B>;

export interface FisherOptions extends MeasureOptions {
  /** Which of the trainable weights. Default all. */
  readonly weights?: (name: string) => boolean;
}

/** The diagonal of the Fisher information: how much the log-likelihood of one example changes with each weight. */
export interface Fisher {
  /**
   * Where the labels came from: the data, the model's own distribution by drawing, or all labels weighted by it. `batched` is not a
   * Fisher: squares of batches' mean gradients.
   */
  readonly kind: 'empirical' | 'sampled' | 'exact' | 'batched';
  /** Number of examples read. */
  readonly examples: number;
  /** By weight name, in the shape of the weight: `mean_b (∂ log p(y_b | x_b) / ∂w)²`. Dispose when done. Weights without influence are absent. */
  readonly diagonal: Tensors;
  /** Sum over all entries. */
  readonly total: number;
  readonly largest: number;
  /** What `normalised` multiplied all of it with; absent: nothing did. */
  readonly scale?: number;
}

/** One label per row [B] and what the row's squared gradient counts [B]. */
export interface Labeling {
  readonly labels: Int32Array;
  readonly counts: Float32Array;
}

/** Reads the data and averages the squared gradients at the labels that `labelings` gives for each batch. */
export async function measuredFisher(
  kind: Fisher['kind'],
  model: Model,
  data: FisherData,
  { weights, ...options }: FisherOptions,
  labelings: (batch: Labeled) => Promise<Labeling[]>,
): Promise<Fisher> {
  const { mean, ...measured } = await meanOverExamples(`${kind}Fisher`, model, data, options, async (batch: Labeled, taken) =>
    (await labelings(batch)).map((labeling) => () => squaresOf(model, batch, firstRows(labeling, taken), weights)),
  );
  return { kind, diagonal: mean, ...measured };
}

/** One labeling's squares, summed over the rows. */
function squaresOf(model: Model, batch: Labeled, { labels, counts }: Labeling, weights?: FisherOptions['weights']): Tensors {
  const [target, factor] = [tf.tensor1d(labels, 'int32'), tf.tensor1d(counts).sqrt()];
  // A factor of √c before squaring is a factor of c after it.
  const loss = ({ logits }: Output) => tf.sum<tf.Scalar>(crossEntropyOf(logits, target, batch.classes).mul(factor));
  return squaredGradients(loss, model, batch, weights ? { wanted: weights } : {});
}

/** The rows after the first `taken` count nothing. */
const firstRows = ({ labels, counts }: Labeling, taken: number): Labeling => ({
  labels,
  counts: counts.map((count, b) => (b < taken ? count : 0)),
});
