import type { TensorInfo } from '@tensorflow/tfjs';
import type { Graph, Inputs, Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';
import { masked } from '../attention';
import { shapedAs } from './rows';

/** A matrix product per head, with transposes and a factor that cost no pass. */
const product = (g: Graph, a: string, b: string, { transA = 0, transB = 0, alpha = 1 } = {}): string =>
  g.node('FusedMatMul', [a, b], { transA, transB, alpha: { float: alpha } }, 'com.microsoft');

/** [B, T, A, d] ↔ [B, A, T, d] */
const swapped = (g: Graph, x: string): string => g.node('Transpose', [x], { perm: [0, 2, 1, 3] });

/** [B, T, H] read as [B, T, A, d] */
const byHeads = (x: TensorInfo, heads: number): TensorInfo => {
  const [B = 1, T = 1, H = 1] = x.shape;
  return shapedAs(x, [B, T, heads, H / heads]);
};

/** The dropout's factors, if there are any: [B · A · T, T] read as [B, A, T, T]. */
const factors = (inputs: Inputs, shape: readonly number[]): TensorInfo[] =>
  inputs['dropped'] ? [shapedAs(inputs['dropped'], shape)] : [];

export const attention: Kernels = {
  /** → y [B, T, H], and for the gradient: q, k, v per head, the probabilities before and after dropout, y per head. */
  HoldfastAttention: {
    record(backend, inputs, attributes) {
      const heads = attributes['heads'] as number;
      const [q, k, v] = [
        byHeads(input(inputs, 'q'), heads),
        byHeads(input(inputs, 'k'), heads),
        byHeads(input(inputs, 'v'), heads),
      ];
      const [B = 1, T = 1, , d = 1] = q.shape;
      const S = k.shape[1] as number;
      const square = [B, heads, T, S];
      const shapes = [q.shape, [B, heads, T, d], [B, heads, S, d], [B, heads, S, d], square, square, [B, heads, T, d]];
      const outputs = shapes.map((shape) => ({ shape, dtype: 'float32' }) as const);
      const all = [q, k, v, input(inputs, 'mask'), ...factors(inputs, square)];
      const [y, ...inner] = backend.record('HoldfastAttention', all, attributes, outputs);
      return [shapedAs(y!, input(inputs, 'q').shape), ...inner];
    },
    emit(g, [q = '', k = '', v = '', mask = '', dropped], op) {
      const d = op.inputs[0]?.shape[3] ?? 1;
      const [qs, ks, vs] = [swapped(g, q), swapped(g, k), swapped(g, v)];
      const scores = product(g, qs, ks, { transB: 1, alpha: 1 / Math.sqrt(d) });
      const additive = g.node('Unsqueeze', [g.node('Mul', [g.node('Sub', [mask, g.f32(1)]), g.f32(masked)]), g.i64([1, 2])]); // [B, 1, 1, T]
      const probabilities = g.node('Softmax', [g.node('Add', [scores, additive])], { axis: -1 });
      const used = dropped ? g.node('Mul', [probabilities, dropped]) : probabilities;
      const mixed = product(g, used, vs);
      return [swapped(g, mixed), qs, ks, vs, probabilities, used, mixed];
    },
  },
  /**
   * With P the probabilities, D the dropout's factors and U = P D: dV = Uᵀ dY, dU = dY Vᵀ, dS = P (D dU − δ).
   * δ = Σⱼ Pⱼ Dⱼ dUⱼ = Σ dY Y per query, which is a sum over d instead of one over T.
   */
  HoldfastAttentionGrad: {
    record(backend, inputs, attributes) {
      const heads = attributes['heads'] as number;
      const names = ['q', 'k', 'v', 'probabilities', 'used', 'mixed'];
      const dropped = factors(inputs, input(inputs, 'probabilities').shape);
      const all = [byHeads(input(inputs, 'dy'), heads), ...names.map((name) => input(inputs, name)), ...dropped];
      const [[B = 1, , T = 1, d = 1], [, , S = 1]] = [input(inputs, 'q').shape, input(inputs, 'k').shape];
      const outputs = [T, S, S].map((length) => ({ shape: [B, length, heads, d], dtype: 'float32' }) as const);
      const grads = backend.record('HoldfastAttentionGrad', all, attributes, outputs);
      return grads.map((grad) => shapedAs(grad, [B, grad.shape[1] as number, heads * d]));
    },
    emit(g, [dy = '', q = '', k = '', v = '', probabilities = '', used = '', mixed = '', dropped], op) {
      const alpha = 1 / Math.sqrt(op.inputs[0]?.shape[3] ?? 1);
      const dMixed = swapped(g, dy);
      const dV = op.wanted(2) ? swapped(g, product(g, used, dMixed, { transA: 1 })) : '';
      if (!op.wanted(0) && !op.wanted(1)) return ['', '', dV];
      const dUsed = product(g, dMixed, v, { transB: 1 });
      const delta = g.node('ReduceSum', [g.node('Mul', [dMixed, mixed]), g.i64([-1])], { keepdims: 1 });
      const dProbabilities = dropped ? g.node('Mul', [dUsed, dropped]) : dUsed;
      const dScores = g.node('Mul', [g.node('Sub', [dProbabilities, delta]), probabilities]);
      const dQ = op.wanted(0) ? swapped(g, product(g, dScores, k, { alpha })) : '';
      const dK = op.wanted(1) ? swapped(g, product(g, dScores, q, { transA: 1, alpha })) : '';
      return [dQ, dK, dV];
    },
  },
};
