import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import { HoldfastError } from '../../../core/errors';
import type { Graph, Inputs, Kernel, Kernels, Operation } from '../emitters';
import type { OnnxBackend } from '../backend';
import { binary } from './binary';
import { dtypeOf, input, upTo } from './common';
import { filled } from './create';
import { unary } from './unary';

function recordMatMul(backend: OnnxBackend, a: TensorInfo, b: TensorInfo, transposeA: boolean, transposeB: boolean): TensorInfo {
  const [ra, rb] = [a.shape.length, b.shape.length];
  const rows = a.shape[transposeA ? ra - 1 : ra - 2] as number;
  const shared = a.shape[transposeA ? ra - 2 : ra - 1];
  const sharedB = b.shape[transposeB ? rb - 1 : rb - 2];
  const columns = b.shape[transposeB ? rb - 2 : rb - 1] as number;
  tf.util.assert(
    shared === sharedB,
    () =>
      `Error in matMul: inner shapes (${shared}) and (${sharedB}) of Tensors with shapes ${a.shape} and ${b.shape} ` +
      `and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const output = { shape: [...batch, rows, columns], dtype: dtypeOf(a) };
  if (shared === 0 && !output.shape.includes(0)) return filled(backend, output.shape, 0, output.dtype);
  return backend.record('BatchMatMul', [a, b], { transposeA, transposeB }, output);
}

function emitMatMul(g: Graph, [a = '', b = '']: readonly string[], { inputs, outputs, attributes }: Operation): string {
  const [transA, transB] = [attributes['transposeA'] ? 1 : 0, attributes['transposeB'] ? 1 : 0];
  const [ra = 2, rb = 2] = inputs.map(({ shape }) => shape.length);
  if (outputs[0]?.dtype !== 'float32') {
    const [x, y] = [g.cast(a, 'float32'), g.cast(b, 'float32')];
    return g.cast(g.node('MatMul', [transA ? swap(g, x, ra) : x, transB ? swap(g, y, rb) : y]), outputs[0]?.dtype ?? 'int32');
  }
  if (ra === 2 && rb === 2) return g.node('Gemm', [a, b], { transA, transB });
  // FusedMatMul reads a transposed operand where it lies.
  if (ra === rb && (transA || transB)) return g.node('FusedMatMul', [a, b], { transA, transB }, 'com.microsoft');
  return g.node('MatMul', [transA ? swap(g, a, ra) : a, transB ? swap(g, b, rb) : b]);
}

/** Transposes the last two axes. */
const swap = (g: Graph, x: string, rank: number): string =>
  g.node('Transpose', [x], { perm: [...upTo(rank - 2), rank - 1, rank - 2] });

/** tfjs's fused kernel (its layers use it), composed of ours. */
const fused: Kernel = {
  record(backend, inputs, attributes) {
    const { transposeA, transposeB, activation, leakyreluAlpha } = attributes;
    let x = recordMatMul(backend, input(inputs, 'a'), input(inputs, 'b'), transposeA === true, transposeB === true);
    const then = (kernel: Kernel | undefined, others: Inputs, name = 'x'): void => {
      if (!kernel)
        throw new HoldfastError('kernel-missing', `The activation '${String(activation)}' of tf.fused.matMul is unknown`);
      const next = kernel.record(backend, { [name]: x, ...others }, { alpha: leakyreluAlpha }) as TensorInfo;
      backend.disposeData(x.dataId);
      x = next;
    };
    if (inputs['bias']) then(binary['Add'], { b: inputs['bias'] }, 'a');
    if (activation === 'prelu') then(binary['Prelu'], { alpha: input(inputs, 'preluActivationWeights') });
    else if (activation && activation !== 'linear') then(unary[activations[activation as string] ?? ''], {});
    return x;
  },
};

const activations: Readonly<Record<string, string>> = {
  relu: 'Relu',
  relu6: 'Relu6',
  elu: 'Elu',
  sigmoid: 'Sigmoid',
  leakyrelu: 'LeakyRelu',
};

export const matmul: Kernels = {
  BatchMatMul: {
    record: (backend, inputs, { transposeA, transposeB }) =>
      recordMatMul(backend, input(inputs, 'a'), input(inputs, 'b'), transposeA === true, transposeB === true),
    emit: emitMatMul,
  },
  _FusedMatMul: fused,
};
