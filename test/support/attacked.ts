import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import { mapTensors } from '../../src/core/tensors';
import type { Evaluation, GradientFn, GradientTransform, Labeled, Model, Tensors } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { expectClose, valuesOf, valuesOfEach } from './close';
import { fixture } from './fixture';
import { here, move } from './penalties';
import { toy, toyBatch, type Toy, type ToyOptions } from './toy';

export interface Measured {
  readonly loss: number;
  readonly gradient: Record<string, number[]>;
}
export interface Reached {
  readonly attack: number[];
  readonly loss: number;
}
type Of<Names extends string, T> = Readonly<Record<Names, T>>;
type Norms = 'perExample' | 'wholeBatch';

/** What test/fixtures/adversarial.py says. */
export const torch = fixture<{
  readonly texts: number[][];
  readonly labels: number[];
  readonly start: number[];
  readonly clean: Measured & { readonly offset: number[] };
  readonly fgm: Of<Norms, Measured & Reached & { readonly epsilon: number }>;
  readonly pgd: Of<Norms, Measured & Of<'epsilon' | 'stepSize' | 'steps', number> & { readonly trace: Reached[] }>;
  readonly freelb: Of<
    'fromStart' | 'bounded',
    Measured & Of<'stepSize' | 'steps', number> & { readonly maxNorm: number | null; readonly trace: Reached[] }
  >;
  readonly awp: Measured & { readonly gamma: number };
  readonly smart: Of<
    'paper' | 'code',
    Measured & Of<'stepSize' | 'epsilon' | 'steps' | 'sigma', number> & { readonly noise: number[] }
  >;
  readonly vat: Measured & Of<'epsilon' | 'xi' | 'iterations', number> & { readonly noise: number[] };
}>('adversarial.json');

/** The toy at the fixtures' weights, and their batch. */
export function fixed(options?: ToyOptions): { readonly model: Toy; readonly batch: Labeled; readonly dense: Labeled } {
  const model = toy(options);
  tf.tidy(() => move(model, here));
  const batchOf = (byRows: boolean) => toyBatch(torch.texts, torch.labels, { byRows });
  return { model, batch: batchOf(true), dense: batchOf(false) };
}

export const start = (): tf.Tensor3D => tf.tensor3d(torch.start, [3, 4, 6]);
export const withOffset = (batch: Labeled, offset: tf.Tensor3D): Labeled => ({ ...batch, inputs: { ...batch.inputs, offset } });

/** The cross entropy's gradient inside a transform, and what the transform asked it. */
export function recorded(
  transform: GradientTransform,
  model: Model,
  plain: GradientFn<Labeled> = gradientsOf(crossEntropy(), model),
) {
  const seen: { readonly offset: tf.Tensor3D | undefined; readonly loss: tf.Scalar; readonly weights: Tensors }[] = [];
  const evaluate = transform<Labeled>((batch, weights = model.weights) => {
    const evaluation = plain(batch, weights);
    // Clones: a transform frees what it made.
    const at = mapTensors(weights, (weight, name) => (weight === model.weights[name] ? weight : weight.clone()));
    seen.push({ offset: batch.inputs.offset?.clone(), loss: evaluation.loss.clone(), weights: at });
    return evaluation;
  }, model);
  return { evaluate, seen };
}

export const near = { absolute: 1e-5, relative: 1e-5 };

export async function expectMeasured({ grads, rows }: Evaluation, want: Record<string, number[]>, model: Model): Promise<void> {
  const dense = denseGradients(grads, rows, model.weights);
  expect(Object.keys(dense).sort()).toEqual(Object.keys(want).sort());
  for (const name in want) await expectClose(dense[name]!, want[name]!, near);
}

/** All gradients in full, one after the other, in the order of their names. */
export async function everything({ grads, rows }: Evaluation, model: Model): Promise<number[]> {
  const dense = denseGradients(grads, rows, model.weights);
  return (
    await Promise.all(
      Object.keys(dense)
        .sort()
        .map((name) => valuesOf(dense[name]!)),
    )
  ).flat();
}

export const weightsOf = async (model: Model): Promise<number[]> => (await valuesOfEach(model.weights)).flat();
