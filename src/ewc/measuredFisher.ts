import * as tf from '@tensorflow/tfjs';
import { HoldfastError, requireCount } from '../core/errors';
import { mapTensors } from '../core/tensors';
import type { Labeled, Model, Output, Tensors } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';
import type { Batches } from '../data/types';
import { cut } from '../engine/cut';
import { openLogits } from '../losses/openLogits';
import type { TextModel } from '../model/types';
import { squaredGradients } from './perExample';

/** A recipe of batches (opened, read and disposed here), or batches that exist already (they stay the caller's). */
export type FisherData<B extends Labeled = Labeled> = Batches<B> | Iterable<B> | AsyncIterable<B>;

export interface FisherOptions {
  /** Which of the trainable weights. Default all. */
  readonly weights?: (name: string) => boolean;
  /** Most examples; the rest of the data is not read. Default all of one epoch. */
  readonly samples?: number;
  /** Decides the order in which a recipe is read and the labels that `sampledFisher` draws. Default 0. */
  readonly seed?: number;
  /** Stops between two batches. */
  readonly signal?: AbortSignal;
}

/** The diagonal of the Fisher information: how much the log-likelihood of one example changes with each weight. */
export interface Fisher {
  /** Where the labels came from: the data, the model's own distribution by drawing, or all labels weighted by it. */
  readonly kind: 'empirical' | 'sampled' | 'exact';
  /** Number of examples that the mean is over. */
  readonly examples: number;
  /** By weight name, in the shape of the weight: `mean_b (∂ log p(y_b | x_b) / ∂w)²`. Dispose when done. Weights without influence are absent. */
  readonly diagonal: Tensors;
  /** Sum over all entries. */
  readonly total: number;
  readonly largest: number;
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
  { weights, samples = Infinity, seed = 0, signal }: FisherOptions,
  labelings: (batch: Labeled) => Promise<Labeling[]>,
): Promise<Fisher> {
  if (samples !== Infinity) requireCount(`${kind}Fisher`, 'samples', samples);
  const owned = 'open' in data;
  const stream = owned ? data.open({ model: model as TextModel, seed, epoch: 0 }) : data;
  let [sums, examples]: [Tensors, number] = [{}, 0];
  try {
    for await (const batch of stream) {
      try {
        if (signal?.aborted)
          throw new HoldfastError('aborted', `The ${kind} Fisher was stopped after ${examples} examples.`, {
            cause: signal.reason,
          });
        const taken = Math.min(batch.labels.size, samples - examples);
        for (const labeling of await labelings(batch))
          sums = await added(sums, model, batch, firstRows(labeling, taken), weights);
        examples += taken;
      } finally {
        if (owned) disposeBatch(batch);
      }
      if (examples >= samples) break;
    }
    if (examples === 0) throw new HoldfastError('bad-data', `${kind}Fisher: the data gave no example; it needs at least one.`);
    const diagonal = tf.tidy(() => mapTensors(sums, (sum) => tf.div(sum, examples)));
    const [total, largest] = await extent(diagonal);
    if (Number.isFinite(total)) return { kind, examples, diagonal, total, largest };
    tf.dispose(diagonal);
    throw new HoldfastError(
      'not-finite',
      `${kind}Fisher: a gradient is not finite (the sum of squares is ${total}): the model has diverged or its input is broken.`,
    );
  } finally {
    tf.dispose(sums);
  }
}

/** Adds one labeling's squares and waits for them, so that a lazy engine does not pile up the whole data set. */
async function added(
  sums: Tensors,
  model: Model,
  batch: Labeled,
  { labels, counts }: Labeling,
  weights?: FisherOptions['weights'],
): Promise<Tensors> {
  const total = tf.tidy((): Tensors => {
    const [target, factor] = [tf.tensor1d(labels, 'int32'), tf.tensor1d(counts).sqrt()];
    const loss = (output: Output) => {
      const logLikelihood = tf.sum(logProbabilities(output, batch).mul(tf.oneHot(target, output.logits.shape[1])), 1); // [B]
      return tf.sum<tf.Scalar>(logLikelihood.mul(factor)); // A factor of √c before squaring is a factor of c after it.
    };
    const squares = squaredGradients(loss, model, batch, weights ? { wanted: weights } : {});
    return { ...sums, ...mapTensors(squares, (square, name) => (sums[name] ? tf.add(sums[name], square) : square)) };
  });
  cut();
  for (const name in sums) if (sums[name] !== total[name]) sums[name]!.dispose();
  const witness = tf.tidy(() => tf.sum(Object.values(total)[0] ?? tf.scalar(0)));
  await witness.data();
  witness.dispose();
  return total;
}

/** The rows after the first `taken` count nothing. */
const firstRows = ({ labels, counts }: Labeling, taken: number): Labeling => ({
  labels,
  counts: counts.map((count, b) => (b < taken ? count : 0)),
});

/** [B, C]; classes that take no part have probability 0. */
export const logProbabilities = ({ logits }: Output, { classes }: Labeled): tf.Tensor2D =>
  tf.logSoftmax(openLogits(logits, classes));

async function extent(tensors: Tensors): Promise<[total: number, largest: number]> {
  const all = Object.values(tensors);
  if (all.length === 0) return [0, 0];
  const both = tf.tidy(() =>
    tf.stack([tf.addN(all.map((tensor) => tf.sum(tensor))), tf.max(tf.stack(all.map((tensor) => tf.max(tensor))))]),
  );
  const [total, largest] = await both.data();
  both.dispose();
  return [total!, largest!];
}
