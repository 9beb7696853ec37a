import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { createRng } from '../../../src/core/rng';
import { scoped } from '../../support/leaks';

/** A test whose tensors go with it. */
export const check = (name: string, body: () => unknown): void =>
  test(
    name,
    scoped(async () => void (await body())),
  );

/** Numbers from about −1 to 1, the same for the same seed. */
export function values(shape: readonly number[], seed: number): Float32Array {
  const draw = createRng(seed);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => draw() / 2 ** 31 - 1);
}

export interface Case {
  readonly inputs: readonly (readonly number[])[];
  readonly compute: (...inputs: tf.Tensor[]) => tf.Tensor;
}

export interface Outcome {
  readonly output: Float32Array;
  readonly grads: readonly Float32Array[];
}

/** Output and gradients of Σ output ⊙ c, with a fixed random c, on the backend that is set. */
export async function outcomeOf(
  { inputs, compute }: Case,
  at = inputs.map((shape, i) => values(shape, i + 1)),
): Promise<Outcome> {
  const tensors = inputs.map((shape, i) => tf.tensor(at[i]!, [...shape]));
  let output: tf.Tensor | undefined;
  const { value, grads } = tf.tidy(() =>
    tf.engine().gradients(
      () => {
        const y = compute(...tensors);
        output = tf.keep(y.clone());
        return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 99), y.shape)));
      },
      tensors,
      undefined,
      true,
    ),
  );
  const result = {
    output: (await output!.data()) as Float32Array,
    grads: (await Promise.all(grads.map((grad) => grad.data()))) as Float32Array[],
  };
  tf.dispose([...tensors, ...grads, value, output!]);
  return result;
}

/** Central differences of every input element, against the gradients found. */
export async function expectGradients(test: Case, step = 1e-2, tolerance = 2e-3): Promise<void> {
  const start = test.inputs.map((shape, i) => values(shape, i + 1));
  const { grads } = await outcomeOf(test, start);
  const loss = async (at: Float32Array[]): Promise<number> => {
    const { output } = await outcomeOf(test, at);
    const weights = values([output.length], 99);
    return output.reduce((sum, y, i) => sum + y * weights[i]!, 0);
  };
  for (const [i, input] of start.entries()) {
    for (let j = 0; j < input.length; j += Math.ceil(input.length / 7)) {
      const moved = (by: number) => start.map((x, k) => (k === i ? x.map((y, l) => (l === j ? y + by : y)) : x));
      const numeric = ((await loss(moved(step))) - (await loss(moved(-step)))) / (2 * step);
      const slack = tolerance * Math.max(1, Math.abs(numeric));
      expect(Math.abs(grads[i]![j]! - numeric), `input ${i}, element ${j}: ${grads[i]![j]} against ${numeric}`).toBeLessThan(
        slack,
      );
    }
  }
}

/** ‖a − b‖ / ‖b‖, where differences below 1e-6 per element count as none. */
export function relative(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let norm = 0;
  a.forEach((x, i) => {
    const d = Math.abs(x - b[i]!);
    if (!(d < 1e-6)) difference += d * d;
    norm += b[i]! ** 2;
  });
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-6);
}
