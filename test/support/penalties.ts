import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import type { Labeled, Model, Tensors, Term, Updater } from '../../src/core/types';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { adamW } from '../../src/training/adamW';
import { sgd } from '../../src/training/sgd';
import { expectClose, expectSameBits, valueOf, valuesOf } from './close';
import { toy, toyBatch } from './toy';

interface Numbers {
  readonly value: number;
  readonly gradient: Record<string, number[]>;
}

interface Fixture {
  readonly lambda: number;
  readonly onlineEwc: Numbers & { readonly gamma: number };
  readonly l2sp: Numbers;
  readonly mas: Numbers & { readonly alpha: number; readonly absolute: Record<string, number[]> };
  readonly si: {
    readonly lambda: number;
    readonly xi: number;
    readonly rate: number;
    readonly steps: number;
    readonly importance: Record<string, number[]>;
    readonly weights: Record<string, number[]>;
  };
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'));

/** Three tasks of the toy, and a point away from their weights. */
export const { here, tasks } = read('ewc') as {
  readonly here: Record<string, number[]>;
  readonly tasks: readonly {
    readonly texts: number[][];
    readonly labels: number[];
    readonly weights: Record<string, number[]>;
  }[];
};
export const fixture = read('penalties') as Fixture;

export function move(model: Model, weights: Record<string, number[]>): void {
  for (const name in weights) model.weights[name]!.assign(tf.tensor(weights[name]!, model.weights[name]!.shape));
}
export function shifted(model: Model, by: number): void {
  for (const name of model.trainable) model.weights[name]!.assign(model.weights[name]!.add(by));
}
export const dataOf = ({ texts, labels }: (typeof tasks)[number]): Labeled[] => [toyBatch(texts, labels)];
export const somewhere = (): Labeled => toyBatch([[1, 2, 3]], [0]);
export const mixed = (): Labeled =>
  toyBatch(
    [
      [1, 2, 3],
      [4, 5],
    ],
    [0, 2],
    { byRows: true },
  );

/** A network of one number: f(x) = w x, x the id of a text of one token. */
export function oneWeight(at: number): Model & { set(value: number): void } {
  const w = tf.variable(tf.tensor2d([[at]]));
  return {
    weights: { w },
    trainable: ['w'],
    hiddenSize: 1,
    embeddingTable: 'none',
    forward({ ids }, options = {}) {
      const { w: at } = { w, ...options.weights };
      const input = ids.cast('float32');
      const y = tf.matMul(input, at as tf.Tensor2D, false, true); // [B, 1]
      const logits = options.taps ? options.taps({ kind: 'linear', weight: 'w', input }, y) : y;
      return { hidden: logits.expandDims<tf.Tensor3D>(1), pooled: logits as tf.Tensor2D, logits: logits as tf.Tensor2D };
    },
    tokenLogits: (hidden) => hidden,
    set: (value) => w.assign(tf.tensor2d([[value]])),
  };
}

/** The penalty's value and gradient at the model's weights. */
export async function expectPenalty(term: Term, model: Model, want: Numbers): Promise<void> {
  const { loss, grads } = gradientsOf(term, model)(somewhere());
  await expectClose(loss, [want.value], { absolute: 1e-4, relative: 1e-5 });
  expect(Object.keys(grads).sort()).toEqual(Object.keys(want.gradient).sort());
  for (const name in grads) await expectClose(grads[name]!, want.gradient[name]!, { absolute: 1e-4, relative: 1e-4 });
}

/** Value 0, and in a sum the bits and rows of the other term's gradient. */
export async function expectNothing(term: Term, model: Model): Promise<void> {
  expect(await valueOf(gradientsOf(term, model)(mixed()).loss)).toBe(0);
  const [want, got] = [gradientsOf(crossEntropy(), model)(mixed()), gradientsOf(sum(crossEntropy(), term), model)(mixed())];
  expect(got.rows).toEqual(want.rows);
  expect(Object.keys(got.grads)).toEqual(Object.keys(want.grads));
  for (const name in want.grads) await expectSameBits(got.grads[name]!, want.grads[name]!);
}

/** Restoring a copy of the state gives the same penalty, and half a state is refused. */
export async function expectStateRoundTrip(
  guard: Term & { state(): Tensors },
  again: Term & { state(): Tensors; restore(state: Tensors): void },
): Promise<void> {
  const saved = guard.state();
  again.restore(saved);
  expect(Object.keys(again.state())).toEqual(Object.keys(saved));
  for (const [name, tensor] of Object.entries(saved)) {
    expect(again.state()[name]).not.toBe(tensor);
    await expectSameBits(again.state()[name]!, tensor);
  }
  const other = toy();
  shifted(other, 0.2);
  const [ours, theirs] = [gradientsOf(guard, other)(somewhere()), gradientsOf(again, other)(somewhere())];
  await expectSameBits(theirs.loss, ours.loss);
  for (const name in ours.grads) await expectSameBits(theirs.grads[name]!, ours.grads[name]!);
}

/** One step as `fit` makes it. */
export function stepOf(model: Model, objective: Term<Labeled>, optimizer: Updater, batch: Labeled): void {
  tf.tidy(() => {
    const { grads, rows } = gradientsOf(objective, model)(batch);
    optimizer.apply(model.weights, grads, rows);
  });
}

interface Tracking extends Term {
  tracked(optimizer: Updater): Updater;
  consolidate(model: Model): void;
  dispose(): void;
}

/** With λ = 0 a watched optimizer makes the same steps, bit for bit, also after a task; one with λ > 0 adds nothing before one. Disposes both. */
export async function expectOnlyTracks(free: Tracking, fresh: Tracking): Promise<void> {
  const runs = [];
  for (const guard of [undefined, free]) {
    const model = toy();
    const plain = adamW({ learningRate: 0.05 });
    const optimizer = guard ? guard.tracked(plain) : plain;
    for (let step = 0; step < 6; step++) {
      stepOf(model, guard ? sum(crossEntropy(), guard) : crossEntropy(), optimizer, mixed());
      if (step === 2) guard?.consolidate(model);
    }
    runs.push(model);
    if (guard) await expectNothing(guard, model);
    guard?.dispose();
    optimizer.dispose();
  }
  for (const name of runs[0]!.trainable) await expectSameBits(runs[1]!.weights[name]!, runs[0]!.weights[name]!);
  const optimizer = fresh.tracked(sgd({ learningRate: 0.1 }));
  stepOf(runs[0]!, crossEntropy(), optimizer, mixed());
  await expectNothing(fresh, runs[0]!);
  for (const each of [fresh, optimizer]) each.dispose();
}

/** A step on weights of another shape than those seen is refused before it changes any. Disposes the penalty. */
export async function expectRefusesOtherModel(guard: Tracking): Promise<void> {
  const [model, wider] = [toy(), toy({ vocabulary: 12 })];
  const optimizer = guard.tracked(sgd({ learningRate: 0.1 }));
  stepOf(model, crossEntropy(), optimizer, mixed());
  const before = await valuesOf(wider.weights['dense.bias']!);
  expect(() => stepOf(wider, crossEntropy(), optimizer, mixed())).toThrow('of shape [11, 6] has shape [12, 6]');
  expect(await valuesOf(wider.weights['dense.bias']!)).toEqual(before);
  for (const each of [guard, optimizer]) each.dispose();
}
