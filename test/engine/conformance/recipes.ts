import * as tf from '@tensorflow/tfjs';
import { createRng } from '../../../src/core/rng';

export type Dtype = 'float32' | 'int32' | 'bool';

/** A tensor's recipe, so that two engines get the same one. */
export interface Recipe {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly values: readonly number[];
}

/** One computation; what it gives, and its gradients, must be the same on all engines. */
export interface Case {
  readonly name: string;
  readonly inputs: readonly Recipe[];
  readonly f: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Compare the gradients of the float inputs as well. Default: true. */
  readonly gradient?: boolean;
}

/** Cases by the name of their test. */
export type Family = Readonly<Record<string, readonly Case[]>>;

/** Collects a family: `family((add) => { add('abs', () => [...]); })`. */
export function family(fill: (add: (name: string, cases: () => readonly Case[]) => void) => void): Family {
  const collected: Record<string, readonly Case[]> = {};
  fill((name, cases) => (collected[name] = cases()));
  return collected;
}

const draw = createRng(1);
/** From 0 to below 1. */
const random = (): number => (draw() >>> 0) / 2 ** 32;
const whole = (low: number, below: number): number => Math.floor(low + random() * (below - low));

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const filled = (shape: readonly number[], dtype: Dtype, next: () => number): Recipe => ({
  shape,
  dtype,
  values: Array.from({ length: sizeOf(shape) }, next),
});

export const floats = (shape: readonly number[], low = -2, high = 2): Recipe =>
  filled(shape, 'float32', () => Math.fround(low + random() * (high - low)));
export const ints = (shape: readonly number[], low = -5, high = 6): Recipe => filled(shape, 'int32', () => whole(low, high));
export const bools = (shape: readonly number[]): Recipe => filled(shape, 'bool', () => whole(0, 2));
export const given = (shape: readonly number[], dtype: Dtype, values: readonly number[]): Recipe => ({ shape, dtype, values });

/** A shape of rank 1 to 5, of at most some hundred elements. */
export const randomShape = (rank = whole(1, 6)): number[] => Array.from({ length: rank }, () => whole(1, rank > 3 ? 5 : 9));

/** Two shapes that broadcast, the first of the full rank. */
export function randomPair(): [number[], number[]] {
  const shape = randomShape();
  const either = (size: number): number => (random() < 0.3 ? 1 : size);
  return [shape.map(either), shape.slice(whole(0, shape.length)).map(either)];
}

/** Some of the axes, as often counted from the back as from the front. */
export const randomAxes = (rank: number): number[] =>
  Array.from({ length: rank }, (_, axis) => axis)
    .filter((axis) => axis === rank - 1 || random() < 0.4)
    .map((axis) => (random() < 0.5 ? axis : axis - rank));

export const make = ({ shape, dtype, values }: Recipe): tf.Tensor => {
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return tf.tensor(arrays[dtype].from(values), shape as number[], dtype);
};
