import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';

const order = ['weight', 'grad', 'm', 'v', 'size', 'epsilon'];

export const adamW: Kernels = {
  /** → new weight, m, v. What bounds it is memory traffic, so it is written for few passes over the weights: 10, and one for the decay. */
  HoldfastAdamW: {
    record(backend, inputs, attributes) {
      const weight = input(inputs, 'weight');
      const output = { shape: weight.shape, dtype: 'float32' } as const;
      return backend.record(
        'HoldfastAdamW',
        [...order, ...(inputs['kept'] ? ['kept'] : [])].map((name) => input(inputs, name)),
        attributes,
        [output, output, output],
      );
    },
    emit(g, [weight = '', grad = '', m = '', v = '', size = '', epsilon = '', kept], { attributes }) {
      const { beta1, beta2 } = attributes as { readonly beta1: number; readonly beta2: number };
      const [add, mul] = ['Add', 'Mul'].map((type) => (a: string, b: string) => g.node(type, [a, b])) as [Op, Op];
      const newM = add(mul(m, g.f32(beta1)), grad);
      const newV = add(mul(v, g.f32(beta2)), mul(grad, grad));
      const direction = g.node('Div', [newM, add(g.node('Sqrt', [newV]), epsilon)]);
      const decayed = kept === undefined ? weight : mul(weight, kept);
      return [g.node('Sub', [decayed, mul(direction, size)]), newM, newV];
    },
  },
};

type Op = (a: string, b: string) => string;
