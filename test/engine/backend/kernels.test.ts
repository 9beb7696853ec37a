import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { createOnnxBackend } from '../../../src/engine/backend';
import { bools, type Case, compare, floats, given, ints, type Recipe } from './compare';

beforeAll(async () => {
  await createOnnxBackend({ threads: 1 });
});
afterAll(() => tf.removeBackend('onnxruntime'));

const shapes: readonly (readonly number[])[] = [
  [],
  [1],
  [7],
  [2, 3],
  [1, 4],
  [3, 1],
  [2, 1, 3],
  [2, 3, 2, 2],
  [1, 2, 1, 2, 3],
  [0],
  [2, 0, 3],
];

type Unary = (x: tf.Tensor) => tf.Tensor;

describe('elementwise', () => {
  const unaries: Readonly<Record<string, readonly [Unary, low?: number, high?: number, gradient?: boolean]>> = {
    abs: [tf.abs],
    acos: [tf.acos, -0.9, 0.9],
    acosh: [tf.acosh, 1.1, 3],
    asin: [tf.asin, -0.9, 0.9],
    asinh: [tf.asinh],
    atan: [tf.atan],
    atanh: [tf.atanh, -0.9, 0.9],
    ceil: [tf.ceil],
    clip: [(x) => tf.clipByValue(x, -0.5, 0.7)],
    cos: [tf.cos],
    cosh: [tf.cosh],
    elu: [tf.elu],
    erf: [tf.erf],
    exp: [tf.exp],
    expm1: [tf.expm1],
    'expm1 near 0': [tf.expm1, -1e-4, 1e-4],
    floor: [tf.floor],
    isFinite: [tf.isFinite, -2, 2, false],
    isInf: [tf.isInf, -2, 2, false],
    isNaN: [tf.isNaN, -2, 2, false],
    leakyRelu: [(x) => tf.leakyRelu(x, 0.3)],
    log: [tf.log, 0.1, 4],
    log1p: [tf.log1p, -0.9, 4],
    'log1p near 0': [tf.log1p, -1e-4, 1e-4],
    logSigmoid: [tf.logSigmoid],
    neg: [tf.neg],
    reciprocal: [tf.reciprocal, 0.2, 2],
    relu: [tf.relu],
    relu6: [tf.relu6, -3, 9],
    round: [tf.round],
    rsqrt: [tf.rsqrt, 0.1, 4],
    selu: [tf.selu],
    sigmoid: [tf.sigmoid],
    sign: [tf.sign],
    sin: [tf.sin],
    sinh: [tf.sinh],
    softplus: [tf.softplus, -20, 20],
    sqrt: [tf.sqrt, 0.1, 4],
    square: [tf.square],
    step: [(x) => tf.step(x, 0.25)],
    tan: [tf.tan, -1, 1],
    tanh: [tf.tanh],
    'x + x² twice': [(x) => tf.add(tf.square(tf.add(x, tf.square(x))), x)],
  };
  for (const [name, [f, low = -2, high = 2, gradient = true]] of Object.entries(unaries)) {
    test(name, () => compare(shapes.map((shape) => ({ name: `[${shape}]`, inputs: [floats(shape, low, high)], f, gradient }))));
  }

  test('of int32 and bool', () => {
    const whole: Unary[] = [tf.abs, tf.neg, tf.sign, tf.square, tf.relu, tf.round, tf.step, tf.isNaN, tf.relu6];
    return compare([
      ...whole.map((f, i) => ({ name: `int ${i}`, inputs: [ints([2, 3], 0, 9)], f })),
      { name: 'clip', inputs: [ints([5])], f: (x) => tf.clipByValue(x, -2, 3) },
      { name: 'not', inputs: [bools([2, 3])], f: (x) => tf.logicalNot(x) },
    ]);
  });

  test('rounds half to even and keeps signs of special values', () => {
    const special = given([9], 'float32', [NaN, Infinity, -Infinity, 0, 0.5, 1.5, 2.5, -0.5, -1.5]);
    const fs: Unary[] = [
      tf.round,
      tf.abs,
      tf.relu,
      tf.isNaN,
      tf.isInf,
      tf.isFinite,
      tf.exp,
      tf.neg,
      tf.log1p,
      tf.expm1,
      tf.sigmoid,
      tf.tanh,
    ];
    fs.push(
      (x) => tf.maximum(x, 0),
      (x) => tf.minimum(x, 1),
      (x) => tf.clipByValue(x, -1, 1),
      (x) => tf.max(x),
      (x) => tf.sum(x),
      tf.relu6,
      tf.step,
      tf.softplus,
      tf.elu,
    );
    return compare(fs.map((f, i) => ({ name: `special ${i} ${f.name}`, inputs: [special], f, gradient: false })));
  });
});

describe('binary', () => {
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
    test(name, () => compare(cases));
  }
  test('of whole numbers', () => {
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
    return compare([
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
    ]);
  });
  test('mod has the sign of the divisor', () => {
    const a = given([6], 'float32', [5.5, -5.5, 5.5, -5.5, 0, 4]);
    const b = given([6], 'float32', [3, 3, -3, -3, 2, 2]);
    return compare([{ name: 'mod', inputs: [a, b], f: (x, y) => tf.mod(x, y), gradient: false }]);
  });
  test('addN', () =>
    compare([
      { name: 'three', inputs: [floats([2, 3]), floats([2, 3]), floats([2, 3])], f: (...all) => tf.addN(all) },
      { name: 'one', inputs: [floats([2, 3])], f: (...all) => tf.addN(all) },
      { name: 'ints', inputs: [ints([2]), ints([2]), ints([2])], f: (...all) => tf.addN(all) },
    ]));
});

describe('reductions', () => {
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
    test(name, () => compare(cases));
  }
  test('prod has a gradient', () => compare([{ name: 'prod', inputs: [floats([2, 3], 0.5, 2)], f: (x) => tf.prod(x, [1]) }]));
  test('of whole numbers and bools', () =>
    compare([
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
    ]));
  test('argMax and argMin take the first', () =>
    compare([
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
    ]));
  test('cumsum', () =>
    compare(
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
    ));
  test('cumprod', () =>
    compare(
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
    ));
  test('topk', () =>
    compare([
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
    ]));
});

describe('matmul', () => {
  const mat = (a: readonly number[], b: readonly number[], ta = false, tb = false): Case => ({
    name: `[${a}] [${b}] ${ta} ${tb}`,
    inputs: [floats(a), floats(b)],
    f: (x, y) => tf.matMul(x, y, ta, tb),
  });
  test('of rank 2, transposed either way', () =>
    compare([
      mat([2, 3], [3, 4]),
      mat([3, 2], [3, 4], true),
      mat([2, 3], [4, 3], false, true),
      mat([3, 2], [4, 3], true, true),
      mat([1, 1], [1, 1]),
      mat([1, 5], [5, 1]),
    ]));
  test('of batches', () =>
    compare([
      mat([2, 2, 3], [2, 3, 4]),
      mat([2, 3, 2], [2, 3, 4], true),
      mat([2, 2, 3], [2, 4, 3], false, true),
      mat([2, 3, 2], [2, 4, 3], true, true),
      mat([2, 2, 2, 3], [2, 2, 3, 4]),
      mat([2, 2, 2, 3], [2, 2, 4, 3], false, true),
      mat([1, 2, 3], [1, 3, 2]),
      mat([2, 1, 2, 2, 3], [2, 1, 2, 3, 4]),
    ]));
  test('with broadcast batches, empty and whole ones', () =>
    compare([
      { ...mat([2, 2, 3], [1, 3, 4]), gradient: false },
      { ...mat([1, 2, 3], [2, 4, 3], false, true), gradient: false },
      { ...mat([3, 2, 2, 3], [2, 3, 4]), gradient: false },
      { ...mat([2, 0], [0, 3]), gradient: false },
      { ...mat([0, 2], [2, 3]), gradient: false },
      { name: 'ints', inputs: [ints([2, 3]), ints([3, 2])], f: (x, y) => tf.matMul(x, y) },
      { name: 'ints transposed', inputs: [ints([3, 2]), ints([2, 3])], f: (x, y) => tf.matMul(x, y, true, true) },
      { name: 'dot', inputs: [floats([3]), floats([3])], f: (x, y) => tf.dot(x, y) },
      { name: 'outer', inputs: [floats([3]), floats([2])], f: (x, y) => tf.outerProduct(x as tf.Tensor1D, y as tf.Tensor1D) },
    ]));
  test('fused', () =>
    compare(
      (['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const).map((activation) => ({
        name: activation,
        inputs: [floats([2, 3]), floats([3, 4]), floats([4])],
        f: (a, b, bias) =>
          tf.fused.matMul({
            a: a,
            b: b,
            bias: bias,
            activation,
            ...(activation === 'prelu' && { preluActivationWeights: bias }),
            leakyreluAlpha: 0.3,
          }),
        gradient: /linear|relu$/.test(activation) && activation !== 'prelu' && activation !== 'leakyrelu',
      })),
    ));
});

describe('shapes', () => {
  test('reshape, expandDims, squeeze, flatten', () =>
    compare([
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
    ]));
  test('transpose and reverse', () =>
    compare([
      { name: 'transpose', inputs: [floats([2, 3])], f: (x) => [tf.transpose(x), tf.transpose(x, [0, 1])] },
      { name: '5d', inputs: [floats([1, 2, 3, 1, 2])], f: (x) => tf.transpose(x, [4, 0, 2, 3, 1]) },
      { name: 'bool', inputs: [bools([2, 3])], f: (x) => tf.transpose(x) },
      {
        name: 'reverse',
        inputs: [floats([2, 3, 2])],
        f: (x) => [tf.reverse(x), tf.reverse(x, 1), tf.reverse(x, [0, -1]), tf.reverse(x, [])],
      },
      { name: 'reverse ints', inputs: [ints([4])], f: (x) => tf.reverse(x) },
    ]));
  test('slice and stridedSlice', () =>
    compare([
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
    ]));
  test('concat, stack, split, unstack', () =>
    compare([
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
    ]));
  test('tile, broadcastTo, pad', () =>
    compare([
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
    ]));
});

describe('gather and scatter', () => {
  test('gather', () =>
    compare([
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
    ]));
  test('gatherND, scatterND, segment sums, one-hot', () =>
    compare([
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
    ]));
});

describe('select, cast, create, normalize', () => {
  test('where', () =>
    compare([
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
    ]));
  test('cast', () =>
    compare([
      {
        name: 'float',
        inputs: [given([6], 'float32', [-1.7, -0.5, 0, 0.5, 1.7, 300])],
        f: (x) => [tf.cast(x, 'int32'), tf.cast(x, 'bool'), tf.cast(x, 'float32')],
        gradient: false,
      },
      { name: 'int', inputs: [ints([5])], f: (x) => [tf.cast(x, 'float32'), tf.cast(x, 'bool')] },
      { name: 'bool', inputs: [bools([5])], f: (x) => [tf.cast(x, 'float32'), tf.cast(x, 'int32')] },
    ]));
  test('create', () =>
    compare([
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
    ]));
  test('softmax', () =>
    compare([
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
    ]));
});
