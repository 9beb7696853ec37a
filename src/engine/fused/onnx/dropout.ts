import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';
import { rowsOf, shapedAs } from './rows';

export const dropout: Kernels = {
  /** rows [N, 1] and columns [1, C] int32 → [N, C]: see `DropoutHash`. int32 products wrap around, as `Math.imul` does. */
  HoldfastDropoutMask: {
    record(backend, inputs, attributes) {
      const [rows, columns] = [input(inputs, 'rows'), input(inputs, 'columns')];
      const shape = [rows.shape[0] as number, columns.shape[1] as number];
      return backend.record('HoldfastDropoutMask', [rows, columns], attributes, { shape, dtype: 'float32' });
    },
    emit(g, inputs, { attributes }) {
      const kept = g.node('Less', [g.node('Mul', inputs), g.scalar(attributes['bound'] as number, 'int32')]);
      return g.node('Mul', [g.cast(kept, 'float32'), g.scalar(attributes['kept'] as number)]);
    },
  },
  /** x [..., C] times a mask [N, C]. */
  HoldfastDropout: {
    record(backend, inputs) {
      const x = rowsOf(input(inputs, 'x'));
      const y = backend.record('HoldfastDropout', [x, input(inputs, 'mask')], {}, { shape: x.shape, dtype: 'float32' });
      return shapedAs(y, input(inputs, 'x').shape);
    },
    emit: (g, inputs) => g.node('Mul', inputs),
  },
};
