import * as tf from '@tensorflow/tfjs';
import { type Case, make } from './recipes';

export interface Results {
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: string; readonly values: readonly number[] }[];
  readonly grads: readonly (readonly number[])[];
}

/** Records a case on the engine in use; the promise reads it. */
export function record({ inputs, f, gradient = true }: Case): Promise<Results> {
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

/** Records cases, all before the first is read; one that throws rejects alone. */
export async function recordAll(cases: readonly Case[]): Promise<PromiseSettledResult<Results>[]> {
  tf.engine().startScope();
  try {
    return await Promise.allSettled(cases.map((each) => new Promise<Results>((resolve) => resolve(record(each)))));
  } finally {
    tf.engine().endScope();
  }
}

/**
 * What differs from `want`: shapes, dtypes, values beyond 1e-5 and gradients beyond 1e-4 relative, with a floor of 1e-6. A gradient is a sum
 * in which most may cancel out: what is relative there is relative to the root mean square of its tensor, or to itself if that is more.
 */
export function differences(
  name: string,
  want: PromiseSettledResult<Results>,
  got: PromiseSettledResult<Results>,
  relative = 1e-5,
): string[] {
  if (want.status === 'rejected') return [`${name}: cpu cannot do it: ${String(want.reason)}`];
  if (got.status === 'rejected') return [`${name}: ${String(got.reason)}`];
  const problems: string[] = [];
  want.value.outputs.forEach((output, i) => {
    const other = got.value.outputs[i]!;
    if (String(output.shape) !== String(other.shape))
      problems.push(`${name}[${i}]: shape [${other.shape}], wanted [${output.shape}]`);
    if (output.dtype !== other.dtype) problems.push(`${name}[${i}]: dtype ${other.dtype}, wanted ${output.dtype}`);
    problems.push(...unequal(`${name}[${i}]`, output.values, other.values, relative));
  });
  want.value.grads.forEach((grad, i) =>
    problems.push(...unequal(`${name} gradient ${i}`, grad, got.value.grads[i]!, 10 * relative, rms(grad))),
  );
  return problems;
}

const floor = 1e-6;

export const rms = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / Math.max(values.length, 1));

/** Empty if `got` is within `relative` of `want`, or of `scale` where that is more. */
export function unequal(name: string, want: ArrayLike<number>, got: ArrayLike<number>, relative: number, scale = 0): string[] {
  if (want.length !== got.length) return [`${name}: ${got.length} values, wanted ${want.length}`];
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [want[i]!, got[i]!];
    const close =
      a === b || (Number.isNaN(a) && Number.isNaN(b)) || Math.abs(a - b) <= floor + relative * Math.max(Math.abs(a), scale);
    if (!close) return [`${name} at ${i}: ${b}, wanted ${a}`];
  }
  return [];
}
