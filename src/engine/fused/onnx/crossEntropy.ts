import type { Graph, Kernels } from '../../backend/emitters';
import { input } from '../../backend/kernels/common';

/** [B] → [B, 1] */
const column = (g: Graph, x: string): string => g.node('Unsqueeze', [x, g.i64([1])]);

/** 1 where the row has a label, 0 where it is negative: [B] float32. */
const labelled = (g: Graph, labels: string): string => g.cast(g.node('GreaterOrEqual', [labels, g.i32(0)]), 'float32');

export const crossEntropy: Kernels = {
  /** logits [B, C], labels [B] → loss [B], log softmax [B, C]. A negative label counts from the end in ONNX: what it picks is multiplied by 0. */
  HoldfastCrossEntropy: {
    record(backend, inputs) {
      const [logits, labels] = [input(inputs, 'logits'), input(inputs, 'labels')];
      return backend.record('HoldfastCrossEntropy', [logits, labels], {}, [
        { shape: labels.shape, dtype: 'float32' },
        { shape: logits.shape, dtype: 'float32' },
      ]);
    },
    emit(g, [logits = '', labels = '']) {
      const logs = g.node('LogSoftmax', [logits], { axis: -1 });
      const picked = g.node('Squeeze', [g.node('GatherElements', [logs, column(g, labels)], { axis: 1 }), g.i64([1])]);
      return [g.node('Neg', [g.node('Mul', [picked, labelled(g, labels)])]), logs];
    },
  },
  /** `dy (softmax − one-hot)`, the one-hot subtracted where it is. */
  HoldfastCrossEntropyGrad: {
    record(backend, inputs) {
      const [dy, logs, labels] = [input(inputs, 'dy'), input(inputs, 'logs'), input(inputs, 'labels')];
      return backend.record('HoldfastCrossEntropyGrad', [dy, logs, labels], {}, { shape: logs.shape, dtype: 'float32' });
    },
    emit(g, [dy = '', logs = '', labels = '']) {
      const weight = column(g, g.node('Mul', [dy, labelled(g, labels)]));
      const softmax = g.node('Mul', [g.node('Exp', [logs]), weight]);
      return g.node('ScatterElements', [softmax, column(g, labels), g.node('Neg', [weight])], { axis: 1, reduction: 'add' });
    },
  },
};
