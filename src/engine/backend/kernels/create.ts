import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { DType, Graph, Kernels } from '../emitters';
import type { OnnxBackend } from '../backend';
import { viewOf } from '../ownership';
import { dtypeOf, input, sizeOf } from './common';

/** Up to this many elements are written out at once: feeding a few numbers costs less than a node. */
const few = 32;

/** A tensor of one value. */
export function filled(backend: OnnxBackend, shape: readonly number[], value: number, dtype: DType): TensorInfo {
  const size = sizeOf(shape);
  if (size > few) return backend.record('Fill', [], { value }, { shape, dtype });
  const values = viewOf(dtype, new ArrayBuffer(size * 4), size);
  values.fill(value);
  return backend.constant(values, shape, dtype);
}

/** A list of numbers that is known now. */
function listed(backend: OnnxBackend, values: ArrayLike<number>, dtype: DType): TensorInfo {
  const array = viewOf(dtype, new ArrayBuffer(values.length * 4), values.length);
  array.set(values);
  return backend.constant(array, [values.length], dtype);
}

/** As tfjs counts: each element is the one before plus the step, a missing sign of the step is put right. */
function range(start: number, stop: number, step: number): number[] {
  if (start === stop || (start < stop && step < 0) || (stop < start && step > 1)) return [];
  const values = [start];
  const by = stop < start && step === 1 ? -1 : step;
  for (let i = Math.abs(Math.ceil((stop - start) / step)); i > 1; i--) values.push((values.at(-1) as number) + by);
  return values;
}

/** onValue at the index, offValue elsewhere; an index outside gives a row of offValue. */
function emitOneHot(g: Graph, indices: string, depth: number, rank: number, on: number, off: number, dtype: DType): string {
  const places = g.node('Range', [g.i32(0), g.scalar(depth, 'int32'), g.i32(1)]);
  const hit = g.node('Equal', [g.node('Unsqueeze', [indices, g.i64([rank])]), places]);
  if (on === 1 && off === 0) return dtype === 'bool' ? hit : g.cast(hit, dtype);
  const result = g.node('Where', [hit, g.scalar(on), g.scalar(off)]);
  return dtype === 'float32' ? result : g.cast(result, dtype);
}

export const create: Kernels = {
  Fill: {
    record(backend, _inputs, { shape, value, dtype }) {
      const wanted = (dtype as tf.DataType | undefined) ?? tf.util.inferDtype(value as number);
      if (wanted !== 'string') return filled(backend, shape as number[], Number(value), wanted as DType);
      const text = tf.util.encodeString(value as string);
      const values = Array.from({ length: sizeOf(shape as number[]) }, () => text);
      return { dataId: backend.write(values, shape as number[], 'string'), shape: shape as number[], dtype: 'string' };
    },
    emit: (g, _names, { attributes, outputs: [output] }) => {
      const { shape, dtype } = output as { shape: number[]; dtype: DType };
      return g.node('Expand', [g.scalar(attributes['value'] as number, dtype), g.shape(shape)]);
    },
  },
  ZerosLike: { record: (backend, inputs) => filled(backend, input(inputs, 'x').shape, 0, dtypeOf(input(inputs, 'x'))) },
  OnesLike: { record: (backend, inputs) => filled(backend, input(inputs, 'x').shape, 1, dtypeOf(input(inputs, 'x'))) },
  Range: {
    record: (backend, _inputs, { start, stop, step, dtype }) =>
      listed(backend, range(start as number, stop as number, step as number), (dtype as DType | undefined) ?? 'float32'),
  },
  LinSpace: {
    record(backend, _inputs, { start, stop, num }) {
      const values = new Float32Array(num as number).fill(start as number);
      const step = ((stop as number) - (start as number)) / ((num as number) - 1);
      for (let i = 1; i < values.length; i++) values[i] = (values[i - 1] as number) + step;
      return listed(backend, values, 'float32');
    },
  },
  OneHot: {
    record(backend, inputs, { depth, onValue, offValue, dtype }) {
      const indices = input(inputs, 'indices');
      const output = { shape: [...indices.shape, depth as number], dtype: (dtype as DType | undefined) ?? 'int32' };
      return backend.record('OneHot', [indices], { depth, on: onValue, off: offValue }, output);
    },
    emit: (g, [indices = ''], { inputs: [x], outputs: [y], attributes: { depth, on, off } }) =>
      emitOneHot(g, indices, depth as number, x?.shape.length ?? 0, on as number, off as number, y?.dtype ?? 'int32'),
  },
};
