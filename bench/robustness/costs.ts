import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { adamW, batches, createRng, createStep, type Labeled } from '../../src';
import type { CodeSwitched } from '../../src/crosslingual';
import { interleaved } from '../support/interleaved';
import { median, rounded } from '../support/stats';
import { learningRate, syntheticModel } from '../support/synthetic';
import { methods } from './methods';

export interface Cost {
  readonly method: string;
  /** Median milliseconds of a step. */
  readonly ms: number;
  /** Median over the rounds of its time by that of the plain step in the same round. */
  readonly ratio: number;
  /** What the passes of the network would make it. */
  readonly theory: number;
}

/** A whole step of each method, with AdamW and dropout, on MiniLM's shape with random weights. */
export async function costsOf(
  names: readonly string[],
  { rounds, rows, tokens }: { readonly rounds: number; readonly rows: number; readonly tokens: number },
): Promise<Cost[]> {
  const { model, head } = syntheticModel(tokens);
  const batch = await batchOf(model, head, rows);
  const all = [...new Set(['plain', ...names])];
  const optimizers = all.map(() => adamW({ learningRate }));
  const sides = all.map((name, i) => {
    const step = createStep(model, { ...methods[name]!(), optimizer: optimizers[i]!, rng: createRng(1) });
    return { name, turn: async () => [await timed(() => step(batch))] };
  });
  // The first step of each compiles.
  for (const { turn } of sides) await turn();
  const times = await interleaved(sides, rounds);
  const of = (name: string): number[] => times.get(name)!.map(([ms]) => ms!);
  tf.dispose([{ ...batch.inputs }, { ...batch.codeSwitched }, batch.labels]);
  for (const optimizer of optimizers) optimizer.dispose();
  model.dispose();
  return names.map((method) => ({
    method,
    ms: rounded(median(of(method))),
    ratio: rounded(median(of(method).map((ms, round) => ms / of('plain')[round]!)), 2),
    theory: methods[method]!().passes,
  }));
}

type Synthetic = ReturnType<typeof syntheticModel>;

async function batchOf(model: Synthetic['model'], head: Synthetic['head'], rows: number): Promise<Labeled & CodeSwitched> {
  const examples = Array.from({ length: rows }, (_, i) => ({
    text: String(i),
    label: head.labels[i % 2]!,
    views: { codeSwitched: { text: String(i + 1) } },
  }));
  for await (const batch of batches(examples, { head, batchSize: rows }).open({ model, seed: 1, epoch: 0 })) return batch;
  throw new Error('no batch');
}

async function timed(record: () => { readonly loss: tf.Scalar }): Promise<number> {
  const began = performance.now();
  const kept = record();
  await kept.loss.data();
  const ms = performance.now() - began;
  tf.dispose({ ...kept });
  return ms;
}
