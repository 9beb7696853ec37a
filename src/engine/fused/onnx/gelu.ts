import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';
import { rowsOf, shapedAs } from './rows';

export const gelu: Kernels = {
  HoldfastGelu: {
    record(backend, inputs) {
      const x = rowsOf(input(inputs, 'x'));
      return shapedAs(backend.record('HoldfastGelu', [x], {}, { shape: x.shape, dtype: 'float32' }), input(inputs, 'x').shape);
    },
    emit: (g, inputs) => g.node('Gelu', inputs),
  },
  /** `dy · (Φ(x) + x φ(x))`. With z = x / √2 that is `dy · (½ (1 + erf z) + z / (√π exp z²))`. */
  HoldfastGeluGrad: {
    record(backend, inputs) {
      const [dy, x] = [rowsOf(input(inputs, 'dy')), rowsOf(input(inputs, 'x'))];
      const dx = backend.record('HoldfastGeluGrad', [dy, x], {}, { shape: x.shape, dtype: 'float32' });
      return shapedAs(dx, input(inputs, 'x').shape);
    },
    emit(g, [dy = '', x = '']) {
      const z = g.node('Mul', [x, g.f32(Math.SQRT1_2)]);
      // ½ + ½ erf in one pass: the clamp to [0, 1] of HardSigmoid changes nothing here.
      const cumulative = g.node('HardSigmoid', [g.node('Erf', [z])], { alpha: { float: 0.5 }, beta: { float: 0.5 } });
      // Dividing by exp(z²) spares the pass that would negate z².
      const density = g.node('Mul', [g.node('Div', [z, g.node('Exp', [g.node('Mul', [z, z])])]), g.f32(1 / Math.sqrt(Math.PI))]);
      return g.node('Mul', [dy, g.node('Add', [cumulative, density])]);
    },
  },
};
