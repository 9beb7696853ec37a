import * as tf from '@tensorflow/tfjs';
import { HoldfastError, requireCount } from '../core/errors';
import { addTensors, mapTensors } from '../core/tensors';
import type { Batch, Model, Tensors } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';
import type { Batches } from '../data/types';
import { cut } from '../engine/cut';
import type { TextModel } from '../model/types';

export interface MeanOverExamples {
  readonly examples: number;
  /** The caller's to dispose. */
  readonly mean: Tensors;
  /** Sum over all entries. */
  readonly total: number;
  readonly largest: number;
}

/** After each batch of a measurement over data: numbers only. */
export interface MeasureEvent {
  readonly type: 'measure';
  /** Read so far. */
  readonly examples: number;
  /** Examples in all, where it is known before: `samples`, or the length of an array of batches. */
  readonly of?: number;
  /** Since the measurement began. */
  readonly seconds: number;
}

/** What every measurement over data takes. */
export interface MeasureOptions {
  /** Most examples; the rest of the data is not read. Default all of one epoch. */
  readonly samples?: number;
  /** Decides the order in which a recipe is read and the labels that `sampledFisher` draws. Default 0. */
  readonly seed?: number;
  /** Stops between two batches. */
  readonly signal?: AbortSignal;
  /** Hears after each batch how far it is. The library prints nothing itself. */
  readonly onEvent?: (event: MeasureEvent) => void;
}

/**
 * Reads the data and averages what `sumsOf` gives for each batch: sums over its first `taken` rows, in one or more parts, each made
 * and added before the next one is begun.
 *
 * @param countOf what a batch with so many rows taken counts in the mean; its examples, unless said otherwise
 */
export async function meanOverExamples<B extends Batch>(
  owner: string,
  model: Model,
  data: Batches<B> | Iterable<B> | AsyncIterable<B>,
  { samples = Infinity, seed = 0, signal, onEvent }: MeasureOptions,
  sumsOf: (batch: B, taken: number) => Promise<readonly (() => Tensors)[]>,
  countOf: (taken: number) => number = (taken) => taken,
): Promise<MeanOverExamples> {
  if (samples !== Infinity) requireCount(owner, 'samples', samples);
  const owned = 'open' in data;
  const stream = owned ? data.open({ model: model as TextModel, seed, epoch: 0 }) : data;
  const of = Math.min(samples, Array.isArray(data) ? rowsIn(data as readonly B[]) : Infinity);
  const began = performance.now();
  let [sums, examples, counted]: [Tensors, number, number] = [{}, 0, 0];
  try {
    for await (const batch of stream) {
      try {
        if (signal?.aborted)
          throw new HoldfastError('aborted', `${owner}: stopped after ${examples} examples.`, { cause: signal.reason });
        const taken = Math.min(batch.inputs.ids.shape[0], samples - examples);
        for (const part of await sumsOf(batch, taken)) {
          sums = added(sums, part);
          // So that a lazy engine does not pile up the whole data set.
          await numbersOf(() => tf.sum(Object.values(sums)[0] ?? tf.scalar(0)));
        }
        examples += taken;
        counted += countOf(taken);
        const seconds = (performance.now() - began) / 1000;
        onEvent?.({ type: 'measure', examples, ...(of < Infinity && { of }), seconds });
      } finally {
        if (owned) disposeBatch(batch);
      }
      if (examples >= samples) break;
    }
    if (examples === 0) throw new HoldfastError('bad-data', `${owner}: the data gave no example; it needs at least one.`);
    const mean = tf.tidy(() => mapTensors(sums, (sum) => tf.div(sum, counted)));
    try {
      const [total, largest] = await extent(mean);
      if (Number.isFinite(total)) return { examples, mean, total, largest };
      throw new HoldfastError(
        'not-finite',
        `${owner}: a gradient is not finite (the sum over all weights is ${total}): the model has diverged or its input is broken.`,
      );
    } catch (error) {
      tf.dispose(mean);
      throw error;
    }
  } finally {
    tf.dispose(sums);
  }
}

const rowsIn = (batches: readonly Batch[]): number => batches.reduce((rows, { inputs }) => rows + inputs.ids.shape[0], 0);

function added(sums: Tensors, part: () => Tensors): Tensors {
  const total = tf.tidy(() => addTensors(part(), sums));
  cut();
  for (const name in sums) if (sums[name] !== total[name]) sums[name]!.dispose();
  return total;
}

async function extent(tensors: Tensors): Promise<[total: number, largest: number]> {
  const all = Object.values(tensors);
  if (all.length === 0) return [0, 0];
  const [total, largest] = await numbersOf(() =>
    tf.stack([tf.addN(all.map((tensor) => tf.sum(tensor))), tf.max(tf.stack(all.map((tensor) => tf.max(tensor))))]),
  );
  return [total!, largest!];
}

/** What `compute` gives, on the host; no tensor is left, also where the engine fails. */
export async function numbersOf(compute: () => tf.Tensor): Promise<Float32Array> {
  const tensor = tf.tidy(compute);
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}
