import type { Tensor } from '@tensorflow/tfjs';
import { expect } from 'vitest';

export type Numbers = Tensor | ArrayLike<number> | number;

/** The values of a tensor, a typed array or a number as a plain array. */
export async function valuesOf(numbers: Numbers): Promise<number[]> {
  if (typeof numbers === 'number') return [numbers];
  if ('data' in numbers) return Array.from(await numbers.data());
  return Array.from(numbers);
}

/** The values of each of some tensors, in their order. */
export const valuesOfEach = (tensors: Readonly<Record<string, Tensor>>): Promise<number[][]> =>
  Promise.all(Object.values(tensors).map(valuesOf));

/** The first value of a tensor. */
export const valueOf = async (tensor: Tensor): Promise<number> => (await tensor.data())[0]!;

/** Every value within `absolute + relative · |want|`. */
export async function expectClose(got: Numbers, want: Numbers, { absolute = 1e-6, relative = 0 } = {}): Promise<void> {
  const [ours, theirs] = await Promise.all([valuesOf(got), valuesOf(want)]);
  expect(ours.length, 'number of values').toBe(theirs.length);
  theirs.forEach((value, i) => {
    const difference = Math.abs(ours[i]! - value);
    if (difference <= absolute + relative * Math.abs(value)) return;
    expect.fail(`value ${i} of ${theirs.length}: got ${ours[i]}, wanted ${value} (off by ${difference})`);
  });
}

/** `expectClose` of what is wanted under each name. */
export async function expectEach(
  got: Readonly<Record<string, Numbers>>,
  want: Readonly<Record<string, Numbers>>,
  tolerance?: Parameters<typeof expectClose>[2],
): Promise<void> {
  for (const [name, numbers] of Object.entries(want)) {
    expect(got, name).toHaveProperty([name]);
    await expectClose(got[name]!, numbers, tolerance);
  }
}

/** The same bits, value by value; NaN equals NaN. */
export async function expectSameBits(got: Numbers, want: Numbers): Promise<void> {
  expect(await valuesOf(got)).toEqual(await valuesOf(want));
}
