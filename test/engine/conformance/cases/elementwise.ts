import * as tf from '@tensorflow/tfjs';
import { bools, family, floats, given, ints, randomShape } from '../recipes';

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
  ...Array.from({ length: 3 }, () => randomShape()),
];

type Unary = (x: tf.Tensor) => tf.Tensor;

export const elementwiseCases = family((add) => {
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
    add(name, () => shapes.map((shape) => ({ name: `[${shape}]`, inputs: [floats(shape, low, high)], f, gradient })));
  }

  add('of int32 and bool', () => {
    const whole: Unary[] = [tf.abs, tf.neg, tf.sign, tf.square, tf.relu, tf.round, tf.step, tf.isNaN, tf.relu6];
    return [
      ...whole.map((f, i) => ({ name: `int ${i}`, inputs: [ints([2, 3], 0, 9)], f })),
      { name: 'clip', inputs: [ints([5])], f: (x) => tf.clipByValue(x, -2, 3) },
      { name: 'not', inputs: [bools([2, 3])], f: (x) => tf.logicalNot(x) },
    ];
  });

  add('rounds half to even and keeps signs of special values', () => {
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
    return fs.map((f, i) => ({ name: `special ${i} ${f.name}`, inputs: [special], f, gradient: false }));
  });
});
