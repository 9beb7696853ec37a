import * as tf from '@tensorflow/tfjs';
import { bools, family, floats, given, ints, randomAxes, randomShape, type Case } from '../recipes';

export const reductionsCases = family((add) => {
  const axes: readonly (readonly [readonly number[], (number | number[])?])[] = [
    [[]],
    [[5]],
    [[2, 3], 0],
    [[2, 3], 1],
    [[2, 3], -1],
    [[2, 3]],
    [
      [2, 3, 4],
      [0, 2],
    ],
    [
      [2, 3, 4],
      [2, 0],
    ],
    [[1, 3, 1], [0]],
    [
      [2, 1, 3, 2],
      [1, 3],
    ],
    [
      [2, 1, 2, 3, 2],
      [-1, 1],
    ],
    [[0, 3], 0],
    [[0, 3], 1],
    ...Array.from({ length: 4 }, () => {
      const shape = randomShape();
      return [shape, randomAxes(shape.length)] as [number[], number[]];
    }),
  ];
  const reductions: Readonly<Record<string, (x: tf.Tensor, axis: number | number[] | undefined, keep: boolean) => tf.Tensor>> = {
    sum: tf.sum,
    mean: tf.mean,
    prod: tf.prod,
    max: tf.max,
    min: tf.min,
    logSumExp: tf.logSumExp,
    norm: (x, axis, keep) => tf.norm(x, 'euclidean', axis, keep),
    variance: (x, axis, keep) => tf.moments(x, axis, keep).variance,
  };
  for (const [name, f] of Object.entries(reductions)) {
    const used = axes.filter(
      ([shape, axis]) =>
        !(
          (name === 'norm' && (axis instanceof Array || shape.length !== 2)) ||
          (/max|min|log|norm/.test(name) && shape[0] === 0)
        ),
    );
    // tfjs's gradient of prod wants an axis.
    const cases = used.flatMap(([shape, axis]) =>
      [false, true].map((keep) => ({
        name: `[${shape}] over ${axis} ${keep}`,
        inputs: [floats(shape)],
        f: (x: tf.Tensor) => f(x, axis, keep),
        gradient: name !== 'prod' && !shape.includes(0),
      })),
    ) as Case[];
    add(name, () => cases);
  }
  add('prod has a gradient', () => [{ name: 'prod', inputs: [floats([2, 3], 0.5, 2)], f: (x) => tf.prod(x, [1]) }]);
  add('of whole numbers and bools', () => [
    {
      name: 'ints',
      inputs: [ints([3, 4])],
      f: (x) => [tf.sum(x, 0), tf.mean(x, 0), tf.prod(x, 1), tf.max(x), tf.min(x, 1)],
    },
    {
      name: 'bools',
      inputs: [bools([3, 4])],
      f: (x) => [tf.sum(x, 0), tf.mean(x), tf.max(x, 1), tf.all(x, 0), tf.any(x, 1), tf.all(x), tf.any(x, 0, true)],
    },
    { name: 'all of an axis of 1', inputs: [bools([3, 1])], f: (x) => [tf.all(x, 1), tf.any(x, 1, true)] },
  ]);
  add('argMax and argMin take the first', () => [
    {
      name: 'float',
      inputs: [floats([3, 5])],
      f: (x) => [tf.argMax(x, 0), tf.argMax(x, 1), tf.argMin(x, -1)],
      gradient: false,
    },
    {
      name: 'ties',
      inputs: [given([2, 4], 'float32', [1, 2, 2, 0, 0, 0, 0, 0])],
      f: (x) => [tf.argMax(x, 1), tf.argMin(x, 1)],
      gradient: false,
    },
    { name: 'int', inputs: [ints([4, 2])], f: (x) => [tf.argMax(x, 0), tf.argMin(x, 1)] },
  ]);
  add(
    'cumsum',
    () =>
      [0, 1, 2].flatMap((axis) =>
        [false, true].flatMap((exclusive) =>
          [false, true].map((reverse) => ({
            name: `${axis} ${exclusive} ${reverse}`,
            inputs: [floats([2, 3, 2])],
            f: (x: tf.Tensor) => tf.cumsum(x, axis, exclusive, reverse),
            // tfjs's gradient transposes the result once too often for inner axes.
            gradient: axis === 2,
          })),
        ),
      ) as Case[],
  );
  add(
    'cumprod',
    () =>
      [0, 1].flatMap((axis) =>
        [false, true].flatMap((exclusive) =>
          [false, true].map((reverse) => ({
            name: `${axis} ${exclusive} ${reverse}`,
            inputs: [floats([2, 5])],
            f: (x: tf.Tensor) => tf.cumprod(x, axis, exclusive, reverse),
            gradient: false,
          })),
        ),
      ) as Case[],
  );
  add('topk', () => [
    {
      name: 'float',
      inputs: [floats([3, 6])],
      f: (x) => {
        const { values, indices } = tf.topk(x, 3);
        return [values, indices];
      },
      gradient: false,
    },
    {
      name: 'ties',
      inputs: [given([5], 'float32', [1, 3, 3, 2, 3])],
      f: (x) => {
        const { values, indices } = tf.topk(x, 4);
        return [values, indices];
      },
      gradient: false,
    },
    {
      name: 'int',
      inputs: [ints([2, 5])],
      f: (x) => {
        const { values, indices } = tf.topk(x, 2);
        return [values, indices];
      },
    },
  ]);
});
