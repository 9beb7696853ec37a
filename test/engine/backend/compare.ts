import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';

export type Dtype = 'float32' | 'int32' | 'bool';

/** A tensor's recipe, so that two backends get the same one. */
export interface Recipe {
  readonly shape: readonly number[];
  readonly dtype: Dtype;
  readonly values: readonly number[];
}

let seed = 1;
const random = (): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
  return (seed >>> 0) / 2 ** 32;
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Random floats in a range, never too close to a whole number (where floor and friends jump). */
export const floats = (shape: readonly number[], low = -2, high = 2): Recipe => ({
  shape,
  dtype: 'float32',
  values: Array.from({ length: sizeOf(shape) }, () => Math.fround(low + random() * (high - low))),
});
export const ints = (shape: readonly number[], low = -5, high = 6): Recipe => ({
  shape,
  dtype: 'int32',
  values: Array.from({ length: sizeOf(shape) }, () => Math.floor(low + random() * (high - low))),
});
export const bools = (shape: readonly number[]): Recipe => ({
  shape,
  dtype: 'bool',
  values: Array.from({ length: sizeOf(shape) }, () => Number(random() < 0.5)),
});
export const given = (shape: readonly number[], dtype: Dtype, values: readonly number[]): Recipe => ({ shape, dtype, values });

export const make = ({ shape, dtype, values }: Recipe): tf.Tensor => {
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return tf.tensor(arrays[dtype].from(values), shape as number[], dtype);
};

export interface Case {
  readonly name: string;
  readonly inputs: readonly Recipe[];
  readonly f: (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
  /** Compare the gradients of the float inputs as well. Default: true. */
  readonly gradient?: boolean;
}

interface Results {
  readonly outputs: { readonly shape: readonly number[]; readonly dtype: string; readonly values: readonly number[] }[];
  readonly grads: readonly (readonly number[])[];
}

/** Records a case on the current backend; the promise reads it. */
function record({ inputs, f, gradient = true }: Case): Promise<Results> {
  const tensors = inputs.map(make);
  const outputs = [f(...tensors)].flat();
  const places = inputs.flatMap(({ dtype }, i) => (dtype === 'float32' ? [i] : []));
  let grads: tf.Tensor[] = [];
  if (gradient && places.length > 0) {
    const objective = (...floatsOnly: tf.Tensor[]): tf.Tensor => {
      const all = [...tensors];
      places.forEach((place, i) => (all[place] = floatsOnly[i]!));
      // A weighted sum, so that every element's gradient is another one.
      const parts = [f(...all)].flat().filter(({ dtype }) => dtype === 'float32');
      return tf.addN(parts.map((part) => tf.sum(tf.mul(part, tf.reshape(weights(part.size), part.shape)))));
    };
    grads = tf.grads(objective)(places.map((place) => tensors[place]!));
  }
  return (async () => ({
    outputs: await Promise.all(
      outputs.map(async (output) => ({ shape: output.shape, dtype: output.dtype, values: Array.from(await output.data()) })),
    ),
    grads: await Promise.all(grads.map(async (grad) => Array.from(await grad.data()))),
  }))();
}

const weights = (size: number): tf.Tensor =>
  tf.tensor1d(Float32Array.from({ length: size }, (_, i) => 0.3 + ((i * 37) % 11) / 7));

/** Runs cases on cpu and on onnxruntime and expects the same shapes, dtypes, values and gradients. */
export async function compare(cases: readonly Case[]): Promise<void> {
  tf.engine().startScope();
  try {
    expect(await problemsOf(cases)).toEqual([]);
  } finally {
    tf.engine().endScope();
  }
}

async function problemsOf(cases: readonly Case[]): Promise<string[]> {
  await tf.setBackend('cpu');
  const expected = await Promise.all(cases.map(async (each) => await record(each)));
  await tf.setBackend('onnxruntime');
  const settled = await Promise.allSettled(
    cases.map((each) => {
      try {
        return record(each);
      } catch (cause) {
        return Promise.reject(cause);
      }
    }),
  );
  const problems: string[] = [];
  cases.forEach(({ name }, i) => {
    const outcome = settled[i]!;
    if (outcome.status === 'rejected') problems.push(`${name}: ${String(outcome.reason)}`);
    else problems.push(...differences(name, expected[i]!, outcome.value));
  });
  return problems;
}

function differences(name: string, expected: Results, actual: Results): string[] {
  const problems: string[] = [];
  expected.outputs.forEach((want, i) => {
    const got = actual.outputs[i]!;
    if (String(want.shape) !== String(got.shape)) problems.push(`${name}[${i}]: shape [${got.shape}], wanted [${want.shape}]`);
    if (want.dtype !== got.dtype) problems.push(`${name}[${i}]: dtype ${got.dtype}, wanted ${want.dtype}`);
    problems.push(...unequal(`${name}[${i}]`, want.values, got.values, 1e-5, 1e-6));
  });
  expected.grads.forEach((want, i) => problems.push(...unequal(`${name} gradient ${i}`, want, actual.grads[i]!, 1e-4, 1e-5)));
  return problems;
}

function unequal(name: string, want: readonly number[], got: readonly number[], relative: number, absolute: number): string[] {
  if (want.length !== got.length) return [`${name}: ${got.length} values, wanted ${want.length}`];
  const bad = want.findIndex((value, i) => !close(value, got[i]!, relative, absolute));
  return bad < 0 ? [] : [`${name} at ${bad}: ${got[bad]}, wanted ${want[bad]}`];
}

const close = (a: number, b: number, relative: number, absolute: number): boolean =>
  Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= absolute + relative * Math.abs(a);
