import * as tf from '@tensorflow/tfjs';
import { bools, family, floats, ints, randomShape } from '../recipes';

export const shapesCases = family((add) => {
  add('reshape, expandDims, squeeze, flatten', () => [
    { name: 'reshape', inputs: [floats([2, 6])], f: (x) => tf.mul(tf.reshape(x, [3, -1]), 2) },
    { name: 'twice', inputs: [floats([2, 6])], f: (x) => tf.reshape(tf.square(tf.reshape(x, [3, 4])), [12]) },
    { name: 'to scalar', inputs: [floats([1, 1])], f: (x) => tf.square(tf.reshape(x, [])) },
    { name: 'from scalar', inputs: [floats([])], f: (x) => tf.square(tf.reshape(x, [1, 1])) },
    {
      name: 'expand',
      inputs: [floats([2, 3])],
      f: (x) => [tf.expandDims(x, 0), tf.expandDims(x, -1), tf.square(tf.expandDims(x, 1))],
    },
    { name: 'squeeze', inputs: [floats([1, 2, 1])], f: (x) => [tf.squeeze(x), tf.square(tf.squeeze(x, [0]))] },
    { name: 'empty', inputs: [floats([0, 2])], f: (x) => tf.square(tf.reshape(x, [2, 0])) },
  ]);
  add('transpose and reverse', () => [
    { name: 'transpose', inputs: [floats([2, 3])], f: (x) => [tf.transpose(x), tf.transpose(x, [0, 1])] },
    { name: '5d', inputs: [floats([1, 2, 3, 1, 2])], f: (x) => tf.transpose(x, [4, 0, 2, 3, 1]) },
    { name: 'bool', inputs: [bools([2, 3])], f: (x) => tf.transpose(x) },
    {
      name: 'reverse',
      inputs: [floats([2, 3, 2])],
      f: (x) => [tf.reverse(x), tf.reverse(x, 1), tf.reverse(x, [0, -1]), tf.reverse(x, [])],
    },
    { name: 'reverse ints', inputs: [ints([4])], f: (x) => tf.reverse(x) },
  ]);
  add('of random shapes', () =>
    Array.from({ length: 12 }, (_, i) => {
      const shape = randomShape();
      const axes = shape.map((_size, axis) => (axis + i) % shape.length);
      const half = shape.map((size) => Math.ceil(size / 2));
      const pads = shape.map((size, axis) => [axis % 2, size % 3] as [number, number]);
      return {
        name: `[${shape}]`,
        inputs: [floats(shape)],
        f: (x) => [
          tf.transpose(x, axes),
          tf.reverse(x, axes[0]!),
          tf.slice(
            x,
            shape.map((size, axis) => size - half[axis]!),
            half,
          ),
          // tfjs pads and tiles with gradients up to rank 4.
          ...(shape.length < 5
            ? [
                tf.pad(x, pads),
                tf.tile(
                  x,
                  axes.map((axis) => 1 + (axis % 2)),
                ),
              ]
            : []),
          tf.concat([x, tf.square(x)], axes[0]),
          tf.stack([x, tf.neg(x)], axes[0]),
          // tfjs's gradient of unstack wants at least two parts.
          ...(shape[axes[0]!]! > 1 ? tf.unstack(x, axes[0]) : []),
        ],
      };
    }),
  );
  add('slice and stridedSlice', () => [
    {
      name: 'slice',
      inputs: [floats([4, 3])],
      f: (x) => [tf.slice(x, [1, 0], [2, 2]), tf.slice(x, 1), tf.slice(x, [0, 1], [-1, 2]), tf.slice(x, [0, 0], [4, 3])],
    },
    { name: 'none', inputs: [floats([4, 3])], f: (x) => tf.slice(x, [1, 0], [0, 2]), gradient: false },
    { name: 'bool', inputs: [bools([4])], f: (x) => tf.slice(x, [1], [2]) },
    {
      name: 'strided',
      inputs: [floats([5, 6])],
      f: (x) => [
        tf.stridedSlice(x, [0, 1], [5, 6], [2, 2]),
        tf.stridedSlice(x, [4, 5], [0, 0], [-1, -2]),
        tf.stridedSlice(x, [4, 5], [-6, -7], [-2, -1]),
        tf.stridedSlice(x, [1, 0], [2, 6], [1, 1], 0, 0, 0, 0, 1),
        tf.stridedSlice(x, [1, 0], [1, 6], [1, 2]),
      ],
      gradient: false,
    },
  ]);
  add('concat, stack, split, unstack', () => [
    { name: 'concat', inputs: [floats([2, 3]), floats([1, 3])], f: (a, b) => tf.concat([a, b], 0) },
    { name: 'concat -1', inputs: [floats([2, 3]), floats([2, 1]), floats([2, 2])], f: (...all) => tf.concat(all, -1) },
    { name: 'concat empty', inputs: [floats([0, 3]), floats([2, 3])], f: (a, b) => tf.concat([a, b], 0), gradient: false },
    { name: 'concat bools', inputs: [bools([2]), bools([3])], f: (a, b) => tf.concat([a, b]) },
    {
      name: 'stack',
      inputs: [floats([2, 3]), floats([2, 3])],
      f: (a, b) => [tf.stack([a, b]), tf.stack([a, b], 1), tf.stack([a, b], 2)],
    },
    { name: 'stack one', inputs: [floats([2])], f: (a) => tf.stack([a]) },
    { name: 'stack scalars', inputs: [floats([]), floats([])], f: (a, b) => tf.stack([a, b]) },
    { name: 'split', inputs: [floats([4, 6])], f: (x) => tf.split(x, 3, 1) },
    { name: 'split sizes', inputs: [floats([4, 6])], f: (x) => tf.split(x, [1, 3], 0) },
    { name: 'unstack', inputs: [floats([3, 2])], f: (x) => [...tf.unstack(x), ...tf.unstack(x, 1)] },
  ]);
  add('tile, broadcastTo, pad', () => [
    { name: 'tile', inputs: [floats([2, 3])], f: (x) => [tf.tile(x, [2, 1]), tf.tile(x, [1, 1]), tf.tile(x, [2, 3])] },
    { name: 'tile 1', inputs: [floats([1, 3])], f: (x) => tf.tile(x, [4, 1]) },
    { name: 'broadcast', inputs: [floats([3, 1])], f: (x) => [tf.broadcastTo(x, [2, 3, 4]), tf.broadcastTo(x, [3, 1])] },
    { name: 'broadcast scalar', inputs: [ints([])], f: (x) => tf.broadcastTo(x, [2, 2]) },
    {
      name: 'pad',
      inputs: [floats([2, 3])],
      f: (x) => [
        tf.pad(x, [
          [1, 0],
          [0, 2],
        ]),
        tf.pad(
          x,
          [
            [0, 0],
            [1, 1],
          ],
          7,
        ),
        tf.pad(x, [
          [0, 0],
          [0, 0],
        ]),
      ],
    },
    { name: 'pad ints', inputs: [ints([2])], f: (x) => tf.pad(x, [[1, 1]], 3) },
    { name: 'pad bools', inputs: [bools([2])], f: (x) => tf.pad(x, [[1, 1]]) },
    { name: 'pad nothing', inputs: [floats([0])], f: (x) => tf.pad(x, [[1, 1]], 5), gradient: false },
  ]);
});
