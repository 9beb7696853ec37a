import * as tf from '@tensorflow/tfjs';
import { family, floats, given, ints, randomShape } from '../recipes';

export const gatherCases = family((add) => {
  add('gather', () => [
    { name: 'rows', inputs: [floats([5, 3]), ints([4], 0, 5)], f: (x, i) => tf.gather(x, i) },
    { name: 'columns', inputs: [floats([2, 5, 3]), ints([2, 2], 0, 5)], f: (x, i) => tf.gather(x, i, 1) },
    { name: 'last', inputs: [floats([2, 5]), ints([3], 0, 5)], f: (x, i) => tf.gather(x, i, -1), gradient: false },
    { name: 'scalar', inputs: [floats([5, 3]), ints([], 0, 5)], f: (x, i) => tf.gather(x, i) },
    { name: 'none', inputs: [floats([5, 3]), ints([0])], f: (x, i) => tf.gather(x, i), gradient: false },
    { name: 'ints', inputs: [ints([5, 3]), ints([4], 0, 5)], f: (x, i) => tf.gather(x, i) },
    { name: 'batch', inputs: [floats([2, 4, 3]), ints([2, 2], 0, 4)], f: (x, i) => tf.gather(x, i, 1, 1), gradient: false },
    {
      name: 'batch inner',
      inputs: [floats([2, 3, 4, 2]), ints([2, 3], 0, 4)],
      f: (x, i) => tf.gather(x, i, 2, 1),
      gradient: false,
    },
    {
      name: 'batch of 2',
      inputs: [floats([2, 3, 4]), ints([2, 3, 2], 0, 4)],
      f: (x, i) => tf.gather(x, i, 2, 2),
      gradient: false,
    },
  ]);
  add('rows of random shapes', () =>
    Array.from({ length: 6 }, () => {
      const [rows = 1, ...rest] = randomShape();
      const indices = randomShape(1 + (rest.length % 2));
      return {
        name: `[${[rows, ...rest]}] at [${indices}]`,
        inputs: [floats([rows, ...rest]), ints(indices, 0, rows)],
        f: (x, i) => tf.gather(x, i),
      };
    }),
  );
  add('gatherND, scatterND, segment sums, one-hot', () => [
    {
      name: 'gatherND',
      inputs: [floats([3, 4, 2]), given([2, 2], 'int32', [0, 1, 2, 3])],
      f: (x, i) => tf.gatherND(x, i),
      gradient: false,
    },
    {
      name: 'gatherND whole',
      inputs: [floats([3, 4]), given([3, 1], 'int32', [2, 0, 2])],
      f: (x, i) => tf.gatherND(x, i),
      gradient: false,
    },
    {
      name: 'scatterND',
      inputs: [given([3, 1], 'int32', [1, 4, 1]), floats([3, 2])],
      f: (i, x) => tf.scatterND(i, x, [5, 2]),
      gradient: false,
    },
    {
      name: 'scatterND ints',
      inputs: [given([3, 2], 'int32', [1, 0, 0, 1, 1, 0]), ints([3])],
      f: (i, x) => tf.scatterND(i, x, [2, 2]),
    },
    {
      name: 'update',
      inputs: [floats([4, 2]), given([2, 1], 'int32', [3, 1]), floats([2, 2])],
      f: (x, i, u) => tf.tensorScatterUpdate(x, i, u),
      gradient: false,
    },
    {
      name: 'segments',
      inputs: [floats([5, 2]), given([5], 'int32', [0, 2, 0, 1, 2])],
      f: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 4),
    },
    {
      name: 'segments outside',
      inputs: [floats([5, 2]), given([5], 'int32', [0, -1, 0, 9, 2])],
      f: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 3),
      gradient: false,
    },
    {
      name: 'segments of rank 1',
      inputs: [floats([5]), given([5], 'int32', [0, 1, 0, 1, 1])],
      f: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 2),
    },
    {
      name: 'segments of ints',
      inputs: [ints([4, 1, 2]), given([4], 'int32', [0, 1, 0, 1])],
      f: (x, i) => tf.cast(tf.unsortedSegmentSum(x, i as tf.Tensor1D, 2), 'int32'),
    },
    {
      name: 'oneHot',
      inputs: [given([4], 'int32', [0, 2, -1, 5])],
      f: (i) => [
        tf.oneHot(i, 3),
        tf.oneHot(i, 3, 5, -2, 'float32'),
        tf.oneHot(i, 3, 1, 0, 'float32'),
        tf.oneHot(i, 3, 1, 0, 'bool'),
      ],
    },
    { name: 'oneHot of rank 2', inputs: [ints([2, 3], 0, 4)], f: (i) => tf.oneHot(i, 4) },
  ]);
});
