import * as tf from '@tensorflow/tfjs';
import { bools, family, floats, given, ints, randomPair, type Recipe } from '../recipes';

export const binaryCases = family((add) => {
  const pairs: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[], []],
    [[3], []],
    [[], [2, 2]],
    [[2, 3], [3]],
    [
      [2, 1],
      [1, 3],
    ],
    [[1], [1, 1]],
    [
      [2, 3, 4],
      [3, 1],
    ],
    [
      [1, 2, 1, 3],
      [2, 2, 1],
    ],
    [
      [2, 1, 2, 1, 2],
      [3, 1, 2, 1],
    ],
    [[0, 3], [3]],
    [[2, 0], [1]],
    ...Array.from({ length: 4 }, () => randomPair()),
  ];
  type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
  const binaries: Readonly<Record<string, readonly [Binary, low?: number]>> = {
    add: [tf.add],
    sub: [tf.sub],
    mul: [tf.mul],
    div: [tf.div, 0.3],
    floorDiv: [tf.floorDiv, 0.3],
    maximum: [tf.maximum],
    minimum: [tf.minimum],
    mod: [tf.mod, 0.3],
    pow: [tf.pow, 0.3],
    prelu: [(a, b) => tf.prelu(a, b)],
    squaredDifference: [tf.squaredDifference],
    equal: [tf.equal],
    notEqual: [tf.notEqual],
    greater: [tf.greater],
    greaterEqual: [tf.greaterEqual],
    less: [tf.less],
    lessEqual: [tf.lessEqual],
  };
  for (const [name, [f, low = -2]] of Object.entries(binaries)) {
    const cases = pairs
      .filter(([a, b]) => name !== 'prelu' || a.length >= b.length)
      .map(([a, b]) => ({
        name: `[${a}] [${b}]`,
        inputs: [floats(a, low), floats(b, low)],
        f: f,
        // tfjs has no gradients of comparisons, and some of its gradients forget to undo the broadcast.
        gradient:
          ![...a, ...b].includes(0) &&
          !/qual|less|greater|floorDiv/.test(name) &&
          (String(a) === String(b) || !/imum|prelu|squared/.test(name)),
      }));
    add(name, () => cases);
  }
  add('of whole numbers', () => {
    const fs: Binary[] = [
      tf.add,
      tf.sub,
      tf.mul,
      tf.div,
      tf.floorDiv,
      tf.maximum,
      tf.minimum,
      tf.mod,
      tf.squaredDifference,
      tf.equal,
      tf.notEqual,
    ];
    fs.push(tf.greater, tf.greaterEqual, tf.less, tf.lessEqual);
    const nonzero: Recipe = given([4], 'int32', [-3, 2, 5, -7]);
    return [
      ...fs.map((f, i) => ({ name: `int ${i}`, inputs: [ints([3, 4], -9, 9), nonzero], f: f })),
      ...fs.slice(9).map((f, i) => ({ name: `bool ${i}`, inputs: [bools([3, 4]), bools([4])], f: f })),
      {
        name: 'by zero',
        inputs: [ints([3], 1, 9), given([3], 'int32', [0, 0, 0])],
        f: (a, b) => [tf.floorDiv(a, b), tf.mod(a, b)],
      },
      { name: 'pow', inputs: [ints([4], -3, 4), ints([4], 0, 4)], f: (a, b) => tf.pow(a, b) },
      { name: 'mixed', inputs: [ints([4]), floats([4])], f: (a, b) => [tf.add(a, b), tf.mul(b, a)], gradient: false },
      {
        name: 'logic',
        inputs: [bools([2, 3]), bools([3])],
        f: (a, b) => [tf.logicalAnd(a, b), tf.logicalOr(a, b), tf.logicalXor(a, b)],
      },
    ];
  });
  add('mod has the sign of the divisor', () => {
    const a = given([6], 'float32', [5.5, -5.5, 5.5, -5.5, 0, 4]);
    const b = given([6], 'float32', [3, 3, -3, -3, 2, 2]);
    return [{ name: 'mod', inputs: [a, b], f: (x, y) => tf.mod(x, y), gradient: false }];
  });
  add('addN', () => [
    { name: 'many', inputs: Array.from({ length: 20 }, () => floats([2, 3])), f: (...all) => tf.addN(all) },
    { name: 'three', inputs: [floats([2, 3]), floats([2, 3]), floats([2, 3])], f: (...all) => tf.addN(all) },
    { name: 'one', inputs: [floats([2, 3])], f: (...all) => tf.addN(all) },
    { name: 'ints', inputs: [ints([2]), ints([2]), ints([2])], f: (...all) => tf.addN(all) },
  ]);
});
