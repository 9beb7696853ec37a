import * as tf from '@tensorflow/tfjs';
import {
  adamWStep,
  attention,
  dropout,
  embed,
  gelu,
  layerNorm,
  linear,
  linears,
  replaceRows,
  softmaxCrossEntropy,
} from '../../../../src/engine/fused';
import { type Case, family, floats, given, ints } from '../recipes';

const as = <T extends tf.Tensor>(x: tf.Tensor | undefined): T => x as T;
const of = (name: string, shapes: readonly (readonly number[])[], f: Case['f']): Case => ({
  name,
  inputs: shapes.map((shape) => floats(shape, -1, 1)),
  f,
});

/** Sentences of different lengths, one of them empty. */
export const paddingOf = (B: number, T: number): tf.Tensor2D =>
  tf.tensor2d(
    Float32Array.from({ length: B * T }, (_, i) => (i % T < T - Math.floor(i / T) * 2 ? 1 : 0)),
    [B, T],
  );

const attended = (B: number, T: number, H: number, heads: number, rate = 0): Case =>
  of(
    `${B} x ${T}, ${heads} heads in ${H}, dropout ${rate}`,
    [
      [B, T, H],
      [B, T, H],
      [B, T, H],
    ],
    (q, k, v) => {
      const drop = rate > 0 ? { dropout: { rate, seed: 77 } } : {};
      return attention(tf.mul(as<tf.Tensor3D>(q), 4), tf.mul(as<tf.Tensor3D>(k), 4), as(v), paddingOf(B, T), { heads, ...drop });
    },
  );

/** A table of which two rows are replaced, the others kept in part. */
const replaced = (kept: number | undefined): Case => ({
  name: `kept ${kept}`,
  inputs: [floats([5, 7]), floats([2, 7])],
  gradient: false,
  f: (table, rows) =>
    replaceRows(
      as<tf.Tensor>(table),
      tf.tensor1d([3, 0], 'int32'),
      as<tf.Tensor>(rows),
      kept === undefined ? undefined : tf.scalar(kept),
    ),
});

/** w, m and v after one step. */
const adamW = (decay: number): Case => ({
  name: `decay ${decay}`,
  inputs: [floats([5, 7]), floats([5, 7]), floats([5, 7]), floats([5, 7], 0, 1)],
  gradient: false,
  f: (w, g, m, v) => {
    return adamWStep(as<tf.Tensor>(w), as<tf.Tensor>(g), as<tf.Tensor>(m), as<tf.Tensor>(v), {
      beta1: 0.9,
      beta2: 0.999,
      size: tf.scalar(0.01),
      epsilon: tf.scalar(1e-3),
      ...(decay > 0 && { kept: tf.scalar(1 - decay) }),
    });
  },
});

/** The fused kernels; on engines without them, what they are composed of. */
export const fusedCases = family((add) => {
  add('linear', () => [
    of('[7, 5] to 3', [[7, 5], [3, 5], [3]], (x, w, b) => linear(as(x), as(w), as(b))),
    of('[2, 3, 8] to 1', [[2, 3, 8], [1, 8], [1]], (x, w, b) => linear(as(x), as(w), as(b))),
    of(
      'without bias',
      [
        [1, 5],
        [4, 5],
      ],
      (x, w) => linear(as(x), as(w)),
    ),
    of('[1, 1, 1] to 1', [[1, 1, 1], [1, 1], [1]], (x, w, b) => linear(as(x), as(w), as(b))),
    of('several of one input', [[2, 3, 4], [5, 4], [2, 4], [5], [2]], (x, v, w, b, c) =>
      tf.concat(linears(as<tf.Tensor3D>(x), [as(v), as(w)], [as(b), as(c)]), -1),
    ),
  ]);
  add('layerNorm', () => [
    of('[5, 7]', [[5, 7], [7], [7]], (x, g, b) => layerNorm(as(x), as(g), as(b), 1e-12)),
    of('[2, 3, 33] far from 0', [[2, 3, 33], [33], [33]], (x, g, b) =>
      layerNorm(tf.add(tf.mul(as<tf.Tensor>(x), 5), 3), as(g), as(b), 1e-5),
    ),
    of('[1, 1, 3]', [[1, 1, 3], [3], [3]], (x, g, b) => layerNorm(as(x), as(g), as(b), 1e-5)),
  ]);
  add('gelu', () => [
    of('[9, 5]', [[9, 5]], (x) => gelu(tf.mul(as<tf.Tensor>(x), 6))),
    of('at 0 and far out', [[7]], (x) => gelu(tf.mul(as<tf.Tensor>(x), tf.tensor1d([0, -0, 1e-20, 15, -15, 1e3, -1e3])))),
  ]);
  add('dropout', () => [
    of('[6, 11]', [[6, 11]], (x) => dropout(as<tf.Tensor>(x), 0.3, 123)),
    of('[5]', [[5]], (x) => dropout(as<tf.Tensor>(x), 0.5, 1)),
    of('[2, 3, 4, 5]', [[2, 3, 4, 5]], (x) => dropout(as<tf.Tensor>(x), 0.1, 2 ** 32 - 1)),
    of('of a scalar', [[]], (x) => dropout(as<tf.Tensor>(x), 0.1, 4)),
  ]);
  add('attention', () => [attended(2, 5, 12, 3), attended(3, 4, 8, 2, 0.2), attended(1, 1, 3, 1), attended(4, 7, 5, 5, 0.5)]);
  add('embed', () => [
    { name: 'equal ids', inputs: [floats([6, 3]), ints([4, 5], 0, 6)], f: (w, ids) => embed(as(w), as(ids)) },
    { name: 'one row', inputs: [floats([1, 3]), ints([1, 1], 0, 1)], f: (w, ids) => embed(as(w), as(ids)) },
  ]);
  add('softmaxCrossEntropy', () => [
    {
      name: '[5, 4]',
      inputs: [floats([5, 4], -20, 20), given([5], 'int32', [0, 3, -1, 2, 2])],
      f: (x, labels) => softmaxCrossEntropy(as(x), as(labels)),
    },
    {
      name: 'one class',
      inputs: [floats([1, 1]), given([1], 'int32', [0])],
      f: (x, labels) => softmaxCrossEntropy(as(x), as(labels)),
    },
  ]);
  add('adamWStep', () => [adamW(0.1), adamW(0)]);
  add('replaceRows', () => [replaced(0.5), replaced(undefined)]);
});
