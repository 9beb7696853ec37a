import type { Kernel, Kernels } from '../emitters';
import { axisOf, input } from './common';

const alongAxis = (name: string, axisName: string): Kernel => ({
  record(backend, inputs, attributes) {
    const logits = input(inputs, 'logits');
    return backend.record(
      name,
      [logits],
      { axis: axisOf(attributes[axisName], logits.shape.length) },
      { shape: logits.shape, dtype: 'float32' },
    );
  },
  emit: (g, [x = ''], op) =>
    g.node(name, [op.inputs[0]?.dtype === 'float32' ? x : g.cast(x, 'float32')], { axis: op.attributes['axis'] as number }),
});

export const normalize: Kernels = {
  Softmax: alongAxis('Softmax', 'dim'),
  LogSoftmax: alongAxis('LogSoftmax', 'axis'),
};
