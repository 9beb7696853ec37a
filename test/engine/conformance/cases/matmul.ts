import * as tf from '@tensorflow/tfjs';
import { family, floats, ints, randomShape, type Case } from '../recipes';

export const matmulCases = family((add) => {
  const mat = (a: readonly number[], b: readonly number[], ta = false, tb = false): Case => ({
    name: `[${a}] [${b}] ${ta} ${tb}`,
    inputs: [floats(a), floats(b)],
    f: (x, y) => tf.matMul(x, y, ta, tb),
  });
  add('of rank 2, transposed either way', () => [
    mat([2, 3], [3, 4]),
    mat([3, 2], [3, 4], true),
    mat([2, 3], [4, 3], false, true),
    mat([3, 2], [4, 3], true, true),
    mat([1, 1], [1, 1]),
    mat([1, 5], [5, 1]),
  ]);
  add('of batches', () => [
    mat([2, 2, 3], [2, 3, 4]),
    mat([2, 3, 2], [2, 3, 4], true),
    mat([2, 2, 3], [2, 4, 3], false, true),
    mat([2, 3, 2], [2, 4, 3], true, true),
    mat([2, 2, 2, 3], [2, 2, 3, 4]),
    mat([2, 2, 2, 3], [2, 2, 4, 3], false, true),
    mat([1, 2, 3], [1, 3, 2]),
    mat([2, 1, 2, 2, 3], [2, 1, 2, 3, 4]),
  ]);
  add('of random shapes', () =>
    Array.from({ length: 8 }, (_, i) => {
      const [m = 1, k = 1, n = 1, ...batch] = randomShape(3 + (i % 3));
      const [ta, tb] = [i % 2 === 1, i > 3];
      return mat([...batch, ...(ta ? [k, m] : [m, k])], [...batch, ...(tb ? [n, k] : [k, n])], ta, tb);
    }),
  );
  add('with broadcast batches, empty and whole ones', () => [
    { ...mat([2, 2, 3], [1, 3, 4]), gradient: false },
    { ...mat([1, 2, 3], [2, 4, 3], false, true), gradient: false },
    { ...mat([3, 2, 2, 3], [2, 3, 4]), gradient: false },
    { ...mat([2, 0], [0, 3]), gradient: false },
    { ...mat([0, 2], [2, 3]), gradient: false },
    { name: 'ints', inputs: [ints([2, 3]), ints([3, 2])], f: (x, y) => tf.matMul(x, y) },
    { name: 'ints transposed', inputs: [ints([3, 2]), ints([2, 3])], f: (x, y) => tf.matMul(x, y, true, true) },
    { name: 'dot', inputs: [floats([3]), floats([3])], f: (x, y) => tf.dot(x, y) },
    { name: 'outer', inputs: [floats([3]), floats([2])], f: (x, y) => tf.outerProduct(x as tf.Tensor1D, y as tf.Tensor1D) },
  ]);
  add('fused', () =>
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
  );
});
