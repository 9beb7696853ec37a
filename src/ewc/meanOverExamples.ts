import * as tf from '@tensorflow/tfjs';
import { HoldfastError, requireCount } from '../core/errors';
import { mapTensors } from '../core/tensors';
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

/**
 * Reads the data and averages what `sumsOf` gives for each batch: sums over its first `taken` rows, in one or more parts, each made
 * and added before the next one is begun.
 */
export async function meanOverExamples<B extends Batch>(
  owner: string,
  model: Model,
  data: Batches<B> | Iterable<B> | AsyncIterable<B>,
  { samples = Infinity, seed = 0, signal }: { readonly samples?: number; readonly seed?: number; readonly signal?: AbortSignal },
  sumsOf: (batch: B, taken: number) => Promise<readonly (() => Tensors)[]>,
): Promise<MeanOverExamples> {
  if (samples !== Infinity) requireCount(owner, 'samples', samples);
  const owned = 'open' in data;
  const stream = owned ? data.open({ model: model as TextModel, seed, epoch: 0 }) : data;
  let [sums, examples]: [Tensors, number] = [{}, 0];
  try {
    for await (const batch of stream) {
      try {
        if (signal?.aborted)
          throw new HoldfastError('aborted', `${owner}: stopped after ${examples} examples.`, { cause: signal.reason });
        const taken = Math.min(batch.inputs.ids.shape[0], samples - examples);
        for (const part of await sumsOf(batch, taken)) sums = await added(sums, part);
        examples += taken;
      } finally {
        if (owned) disposeBatch(batch);
      }
      if (examples >= samples) break;
    }
    if (examples === 0) throw new HoldfastError('bad-data', `${owner}: the data gave no example; it needs at least one.`);
    const mean = tf.tidy(() => mapTensors(sums, (sum) => tf.div(sum, examples)));
    const [total, largest] = await extent(mean);
    if (Number.isFinite(total)) return { examples, mean, total, largest };
    tf.dispose(mean);
    throw new HoldfastError(
      'not-finite',
      `${owner}: a gradient is not finite (the sum over all weights is ${total}): the model has diverged or its input is broken.`,
    );
  } finally {
    tf.dispose(sums);
  }
}

/** Adds one part and waits for it, so that a lazy engine does not pile up the whole data set. */
async function added(sums: Tensors, part: () => Tensors): Promise<Tensors> {
  const total = tf.tidy((): Tensors => ({
    ...sums,
    ...mapTensors(part(), (own, name) => (sums[name] ? tf.add(sums[name], own) : own)),
  }));
  cut();
  for (const name in sums) if (sums[name] !== total[name]) sums[name]!.dispose();
  const witness = tf.tidy(() => tf.sum(Object.values(total)[0] ?? tf.scalar(0)));
  await witness.data();
  witness.dispose();
  return total;
}

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
