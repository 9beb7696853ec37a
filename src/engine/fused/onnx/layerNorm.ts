import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';
import { rowsOf, shapedAs, sumOfRows } from './rows';

export const layerNorm: Kernels = {
  /** x [..., H] → y [..., H], and per row the mean and 1 / √(variance + ε), both [N, 1]. */
  HoldfastLayerNorm: {
    record(backend, inputs, attributes) {
      const [x, scale, bias] = [rowsOf(input(inputs, 'x')), input(inputs, 'scale'), input(inputs, 'bias')];
      const perRow = [x.shape[0], 1];
      const outputs = [x.shape, perRow, perRow].map((shape) => ({ shape, dtype: 'float32' }) as const);
      const [y, mean, inverse] = backend.record('HoldfastLayerNorm', [x, scale, bias], attributes, outputs);
      return [shapedAs(y!, input(inputs, 'x').shape), mean!, inverse!];
    },
    emit: (g, inputs, { attributes }) =>
      g.nodes('LayerNormalization', inputs, { axis: -1, epsilon: { float: attributes['epsilon'] as number } }, 3),
  },
  /**
   * With x̂ = (x − mean) · r and per row the means `a = mean(g dy)`, `c = mean(g dy x̂)`:
   * dx = r (g dy − a − c x̂), dg = Σ dy x̂, db = Σ dy. The two means are products with the vector g / H: no pass of their own.
   */
  HoldfastLayerNormGrad: {
    record(backend, inputs) {
      const [dy, x, scale] = [rowsOf(input(inputs, 'dy')), rowsOf(input(inputs, 'x')), input(inputs, 'scale')];
      const all = [dy, x, scale, input(inputs, 'mean'), input(inputs, 'inverse')];
      const outputs = [x.shape, scale.shape, scale.shape].map((shape) => ({ shape, dtype: 'float32' }) as const);
      const [dx, dScale, dBias] = backend.record('HoldfastLayerNormGrad', all, {}, outputs);
      return [shapedAs(dx!, input(inputs, 'x').shape), dScale!, dBias!];
    },
    emit(g, [dy = '', x = '', scale = '', mean = '', inverse = ''], op) {
      const [N = 1, H = 1] = op.inputs[0]?.shape ?? [];
      const normal = g.node('Mul', [g.node('Sub', [x, mean]), inverse]);
      const product = g.node('Mul', [dy, normal]);
      const dScale = op.wanted(1) ? sumOfRows(g, product, N) : '';
      const dBias = op.wanted(2) ? sumOfRows(g, dy, N) : '';
      if (!op.wanted(0)) return ['', dScale, dBias];
      const share = g.node('Unsqueeze', [g.node('Mul', [scale, g.f32(1 / H)]), g.i64([1])]); // [H, 1]
      const a = g.node('MatMul', [dy, share]);
      const c = g.node('MatMul', [product, share]);
      const centred = g.node('Sub', [g.node('Sub', [g.node('Mul', [dy, scale]), g.node('Mul', [normal, c])]), a]);
      return [g.node('Mul', [centred, inverse]), dScale, dBias];
    },
  },
};
