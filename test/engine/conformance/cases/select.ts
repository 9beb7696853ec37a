import * as tf from '@tensorflow/tfjs';
import { bools, family, floats, given, ints } from '../recipes';

export const selectCases = family((add) => {
  add('where', () => [
    { name: 'same', inputs: [bools([2, 3]), floats([2, 3]), floats([2, 3])], f: (c, a, b) => tf.where(c, a, b) },
    {
      name: 'broadcast',
      inputs: [bools([3]), floats([2, 3]), floats([])],
      f: (c, a, b) => tf.where(c, a, b),
      gradient: false,
    },
    {
      name: 'scalar',
      inputs: [bools([]), floats([2, 3]), floats([2, 3])],
      f: (c, a, b) => tf.where(c, a, b),
      gradient: false,
    },
    { name: 'ints', inputs: [bools([4]), ints([4]), ints([4])], f: (c, a, b) => tf.where(c, a, b) },
    { name: 'bools', inputs: [bools([4]), bools([4]), bools([4])], f: (c, a, b) => tf.where(c, a, b) },
  ]);
  add('cast', () => [
    {
      name: 'float',
      inputs: [given([6], 'float32', [-1.7, -0.5, 0, 0.5, 1.7, 300])],
      f: (x) => [tf.cast(x, 'int32'), tf.cast(x, 'bool'), tf.cast(x, 'float32')],
      gradient: false,
    },
    { name: 'int', inputs: [ints([5])], f: (x) => [tf.cast(x, 'float32'), tf.cast(x, 'bool')] },
    { name: 'bool', inputs: [bools([5])], f: (x) => [tf.cast(x, 'float32'), tf.cast(x, 'int32')] },
  ]);
  add('create', () => [
    {
      name: 'fill',
      inputs: [],
      f: () => [tf.fill([2, 3], 4), tf.fill([50], 2.5), tf.fill([8, 9], 3, 'int32'), tf.fill([], 7), tf.fill([0, 3], 1)],
    },
    { name: 'ones', inputs: [], f: () => [tf.ones([40]), tf.zeros([2, 50], 'int32'), tf.zeros([3], 'bool')] },
    {
      name: 'like',
      inputs: [floats([50]), bools([40]), ints([3])],
      f: (a, b, c) => [tf.onesLike(a), tf.zerosLike(b), tf.onesLike(c), tf.onesLike(b)],
    },
    {
      name: 'range',
      inputs: [],
      f: () => [tf.range(0, 5), tf.range(5, 0), tf.range(1, 2, 0.25), tf.range(0, 9, 2, 'int32'), tf.range(3, 3)],
    },
    { name: 'linspace', inputs: [], f: () => [tf.linspace(0, 1, 5), tf.linspace(-2, 2, 1)] },
    { name: 'eye', inputs: [], f: () => tf.eye(3) },
  ]);
  add('softmax', () => [
    ...[[4], [2, 3], [1, 1], [2, 3, 1, 4]].map((shape) => ({
      name: `[${shape}]`,
      inputs: [floats(shape, -8, 8)],
      f: (x: tf.Tensor) => [tf.softmax(x), tf.logSoftmax(x)],
    })),
    { name: 'masked', inputs: [given([2, 3], 'float32', [1, 2, -1e9, 3, -1e9, -1e9])], f: (x) => tf.softmax(x) },
    {
      name: 'cross entropy',
      inputs: [floats([3, 4]), floats([3, 4], 0, 1)],
      f: (x, y) => tf.losses.softmaxCrossEntropy(y, x) as tf.Tensor,
      gradient: false,
    },
  ]);
});
