import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { denseGradients } from '../../src/core/rows';
import type { Evaluation, Labeled } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import type { Example, Rehearsal } from '../../src/data/types';
import type { Head, TextModel } from '../../src/model/types';
import { expectClose } from './close';
import { toy, type Toy } from './toy';

export interface Numbers {
  readonly value: number;
  readonly gradient: Record<string, number[]>;
}

export const fixture = JSON.parse(readFileSync(new URL('../fixtures/rehearsal.json', import.meta.url), 'utf8')) as {
  readonly lwf: { readonly apart: Numbers; readonly together: Numbers };
  readonly derpp: Numbers;
  readonly agem: { readonly taken: number; readonly gradient: Record<string, number[]> };
};

/** The second task of ewc.json as a product would give it. */
export const newRows: readonly Example[] = [
  { text: '6 7 1', label: 'y' },
  { text: '8', label: 'z' },
  { text: '9 10 9 10', label: 'x' },
];

/** One batch of all rows, in their order, the classes of all heads open. */
export async function oneBatch(model: TextModel, rows: readonly Example[], rehearse?: Rehearsal): Promise<Labeled> {
  const head = ({ label }: Example): Head => model.heads.find(({ labels }) => labels.includes(label!))!;
  const data = batches(rows, { head, classes: model.heads, shuffle: false, ...(rehearse && { rehearse }) });
  for await (const batch of data.open({ model, seed: 0, epoch: 0 })) return batch;
  throw new Error('there is no batch');
}

/** A toy whose logits are the biases given, whatever the text. */
export function biased(biases: readonly number[]): Toy {
  const model = toy({ heads: { '0': ['x', 'y'] } });
  model.weights['classifier.0.weight']!.assign(tf.zeros([2, 6]));
  setBias(model, biases);
  return model;
}
export const setBias = (model: Toy, biases: readonly number[]): void =>
  model.weights['classifier.0.bias']!.assign(tf.tensor1d([...biases]));

/** The gradient as PyTorch has it; weights that it has zeros for may be absent. */
export async function expectGradients(got: Evaluation, want: Record<string, number[]>, model: TextModel): Promise<void> {
  const dense = denseGradients(got.grads, got.rows, model.weights);
  for (const name in want) {
    if (dense[name]) await expectClose(dense[name], want[name]!, { absolute: 1e-5, relative: 1e-4 });
    else
      expect(
        want[name]!.every((value) => value === 0),
        name,
      ).toBe(true);
  }
}
