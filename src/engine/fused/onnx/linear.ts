import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';
import { rowsOf, shapedAs, sumOfRows } from './rows';

export const linear: Kernels = {
  /** x [..., in], weight [out, in], perhaps bias [out] → [..., out]. */
  HoldfastLinear: {
    record(backend, inputs) {
      const [given, weight] = [input(inputs, 'x'), input(inputs, 'weight')];
      const x = rowsOf(given);
      const out = weight.shape[0] as number;
      const all = [x, weight, ...(inputs['bias'] ? [inputs['bias']] : [])];
      const y = backend.record('HoldfastLinear', all, {}, { shape: [x.shape[0], out], dtype: 'float32' });
      return shapedAs(y, [...given.shape.slice(0, -1), out]);
    },
    emit: (g, inputs) => g.node('Gemm', inputs, { transB: 1 }),
  },
  /** dx = dy W, dW = dyᵀ x, db = Σ dy. */
  HoldfastLinearGrad: {
    record(backend, inputs) {
      const [given, weight] = [input(inputs, 'x'), input(inputs, 'weight')];
      const [dy, x] = [rowsOf(input(inputs, 'dy')), rowsOf(given)];
      const outputs = [x.shape, weight.shape, [weight.shape[0] as number]].map((shape) => ({ shape, dtype: 'float32' }) as const);
      const [dx, dWeight, dBias] = backend.record('HoldfastLinearGrad', [dy, x, weight], {}, outputs);
      return [shapedAs(dx!, given.shape), dWeight!, dBias!];
    },
    emit: (g, [dy = '', x = '', weight = ''], op) => [
      op.wanted(0) ? g.node('Gemm', [dy, weight]) : '',
      op.wanted(1) ? g.node('Gemm', [dy, x], { transA: 1 }) : '',
      op.wanted(2) ? sumOfRows(g, dy, op.inputs[0]?.shape[0] ?? 1) : '',
    ],
  },
};
