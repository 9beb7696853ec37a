import type { Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';

export const replaceRows: Kernels = {
  /** → the new table, in the old one's memory where that is free: both nodes read and write each element at its own place. */
  HoldfastReplaceRows: {
    record(backend, inputs) {
      const table = input(inputs, 'table');
      const names = ['table', 'numbers', 'rows', ...(inputs['kept'] ? ['kept'] : [])];
      return backend.record(
        'HoldfastReplaceRows',
        names.map((name) => input(inputs, name)),
        {},
        { shape: table.shape, dtype: 'float32' },
        { overwrites: true },
      );
    },
    emit(g, [table = '', numbers = '', rows = '', kept], { inputs }) {
      const places = g.cast(g.reshape(numbers, [inputs[1]!.shape[0]!, 1]), 'int64');
      const base = kept === undefined ? table : g.inMemoryOf(g.node('Mul', [table, kept]), 0);
      return g.node('ScatterND', [base, places, rows]);
    },
  },
};
