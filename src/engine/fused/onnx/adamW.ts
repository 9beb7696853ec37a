import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';

const order = ['weight', 'grad', 'm', 'v', 'learningRate', 'correction1', 'correction2', 'finite'];

export const adamW: Kernels = {
  /**
   * → new weight, m, v. All factors are scalars that are computed once for all weights (equal nodes are merged), so that the passes over
   * the weights are few. With f = finite and r = f √(1 − β₂) g: m ← m (1 − f (1 − β₁)) + r (1 − β₁) / √(1 − β₂),
   * v ← v (1 − f (1 − β₂)) + r², w ← w (1 − f η λ) − (f η √c₂ / c₁) m / (√v + ε √c₂).
   */
  HoldfastAdamW: {
    record(backend, inputs, attributes) {
      const weight = input(inputs, 'weight');
      const output = { shape: weight.shape, dtype: 'float32' } as const;
      return backend.record(
        'HoldfastAdamW',
        order.map((name) => input(inputs, name)),
        attributes,
        [output, output, output],
      );
    },
    emit(
      g,
      [weight = '', grad = '', m = '', v = '', learningRate = '', correction1 = '', correction2 = '', finite = ''],
      { attributes },
    ) {
      const { beta1, beta2, epsilon, decay } = attributes as unknown as Hyperparameters;
      const [add, sub, mul] = ['Add', 'Sub', 'Mul'].map((type) => (a: string, b: string) => g.node(type, [a, b])) as [Op, Op, Op];
      const rate = mul(learningRate, finite);
      const root2 = g.node('Sqrt', [correction2]);
      const step = g.node('Div', [mul(rate, root2), correction1]);
      const keep = (beta: number): string => sub(g.f32(1), mul(finite, g.f32(1 - beta)));
      // A gradient that is not finite times 0 is NaN, and NaN is above no threshold: what is left of it is 0. Half the time of Where.
      const share = Math.sqrt(1 - beta2);
      const part = (sign: 1 | -1): string =>
        g.node('ThresholdedRelu', [mul(grad, mul(finite, g.f32(sign * share)))], { alpha: { float: 0 } });
      const r = sub(part(1), part(-1));
      const newM = add(mul(m, keep(beta1)), mul(r, g.f32((1 - beta1) / share)));
      const newV = add(mul(v, keep(beta2)), mul(r, r));
      const direction = g.node('Div', [newM, add(g.node('Sqrt', [newV]), mul(root2, g.f32(epsilon)))]);
      const kept = decay ? mul(weight, sub(g.f32(1), mul(rate, g.f32(decay)))) : weight;
      return [sub(kept, mul(direction, step)), newM, newV];
    },
  },
};

interface Hyperparameters {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly decay: number;
}

type Op = (a: string, b: string) => string;
