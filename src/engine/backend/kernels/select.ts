import * as tf from '@tensorflow/tfjs';
import type { DType, Graph, Kernels } from '../emitters';
import { input } from './common';

/** ONNX Runtime's Where has no bools: they take a detour. */
function where(g: Graph, condition: string, yes: string, no: string, dtype: DType): string {
  if (dtype !== 'bool') return g.node('Where', [condition, yes, no]);
  return g.cast(g.node('Where', [condition, g.cast(yes, 'int32'), g.cast(no, 'int32')]), 'bool');
}

export const select: Kernels = {
  Select: {
    record(backend, inputs) {
      const [condition, t, e] = [input(inputs, 'condition'), input(inputs, 't'), input(inputs, 'e')];
      // A condition of rank 1 chooses whole rows.
      const rows = condition.shape.length === 1 && t.shape.length > 1;
      const shape = rows ? [...condition.shape, ...t.shape.slice(1).map(() => 1)] : condition.shape;
      const dtype = tf.upcastType(t.dtype, e.dtype) as DType;
      return backend.record('Select', [{ ...condition, shape }, t, e], {}, { shape: t.shape, dtype });
    },
    emit(g, [condition = '', t = '', e = ''], { inputs: [c, x, y], outputs: [output] }) {
      const dtype = output?.dtype ?? 'float32';
      const cast = (name: string, from: DType | undefined): string => (from === dtype ? name : g.cast(name, dtype));
      return where(g, c?.dtype === 'bool' ? condition : g.cast(condition, 'bool'), cast(t, x?.dtype), cast(e, y?.dtype), dtype);
    },
  },
  Cast: {
    record(backend, inputs, { dtype }) {
      const x = input(inputs, 'x');
      if (x.dtype === dtype) return backend.view(x, x.shape);
      return backend.record('Cast', [x], {}, { shape: x.shape, dtype: dtype as DType });
    },
    emit: (g, [x = ''], { outputs: [output] }) => g.cast(x, output?.dtype ?? 'float32'),
  },
  Identity: { record: (backend, inputs) => backend.view(input(inputs, 'x'), input(inputs, 'x').shape) },
};
