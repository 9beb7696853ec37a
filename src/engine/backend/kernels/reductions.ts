import type { TensorInfo } from '@tensorflow/tfjs';
import type { DType, Graph, Kernel, Kernels, Operation } from '../emitters';
import type { OnnxBackend } from '../backend';
import { axesOf, axisOf, dtypeOf, input, sizeOf } from './common';
import { filled } from './create';

interface Reduction {
  readonly type: string;
  /** The dtype in which it is computed, by the input's. */
  readonly computes: (dtype: DType) => DType;
  readonly output: (dtype: DType) => DType;
  /** What tfjs's cpu gives for nothing at all. */
  readonly ofNothing: number;
}

const whole = (dtype: DType): DType => (dtype === 'bool' ? 'int32' : dtype);

function reduction(name: string, { type, computes, output, ofNothing }: Reduction): Kernel {
  return {
    record(backend, inputs, attributes) {
      const x = input(inputs, 'x');
      const axes = axesOf(attributes['axis'] ?? attributes['reductionIndices'], x.shape);
      const keep = attributes['keepDims'] === true;
      const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [dim]));
      const dtype = output(dtypeOf(x));
      // Over axes of size 1 there is nothing to reduce.
      if (dtype === x.dtype && axes.every((axis) => x.shape[axis] === 1)) return backend.view(x, shape);
      if (sizeOf(x.shape) === 0 && sizeOf(shape) > 0) return filled(backend, shape, ofNothing, dtype);
      return backend.record(name, [x], { axes, keep }, { shape, dtype });
    },
    emit(g, [x = ''], op) {
      const from = op.inputs[0]?.dtype as DType;
      const taken = computes(from);
      const axes = op.attributes['axes'] as number[];
      const cast = taken === from ? x : g.cast(x, taken);
      const result = axes.length === 0 ? cast : g.node(type, [cast, g.i64(axes)], { keepdims: op.attributes['keep'] ? 1 : 0 });
      const to = op.outputs[0]?.dtype as DType;
      return to === taken ? result : g.cast(result, to);
    },
  };
}

const toInt = (): DType => 'int32';
const toFloat = (): DType => 'float32';
const toBool = (): DType => 'bool';
const same = (dtype: DType): DType => dtype;

/** The place of the largest or smallest element: the first one where there are several. */
const extreme = (name: string): Kernel => ({
  record(backend, inputs, attributes) {
    const x = input(inputs, 'x');
    const [axis = 0] = axesOf(attributes['axis'], x.shape);
    return backend.record(name, [x], { axis }, { shape: x.shape.filter((_, i) => i !== axis), dtype: 'int32' });
  },
  emit(g, [x = ''], op) {
    const taken = op.inputs[0]?.dtype === 'bool' ? g.cast(x, 'int32') : x;
    return g.cast(g.node(name, [taken], { axis: op.attributes['axis'] as number, keepdims: 0 }), 'int32');
  },
});

/** A running product in log₂(size) steps, each multiplying with the elements 1, 2, 4, … before. */
function emitCumprod(g: Graph, x: string, { inputs, attributes }: Operation): string {
  const { axis, exclusive, reverse } = attributes as { axis: number; exclusive: boolean; reverse: boolean };
  const shape = inputs[0]?.shape ?? [];
  const size = shape[axis] as number;
  const at = (value: number): number[] => shape.map((_, i) => (i === axis ? value : 0));
  /** Moves everything by `by` along the axis; ones come in. */
  const shift = (y: string, by: number): string => {
    const starts = reverse ? at(by) : at(0);
    const ends = shape.map((dim, i) => (i === axis && !reverse ? size - by : dim));
    const pads = reverse ? [...at(0), ...at(by)] : [...at(by), ...at(0)];
    return g.node('Pad', [g.node('Slice', [y, g.shape(starts), g.shape(ends)]), g.shape(pads), g.f32(1)]);
  };
  let product = exclusive ? shift(x, 1) : x;
  for (let by = 1; by < size; by *= 2) product = g.node('Mul', [product, shift(product, by)]);
  return product;
}

function recordTopK(backend: OnnxBackend, x: TensorInfo, k: number): TensorInfo[] {
  const shape = [...x.shape.slice(0, -1), k];
  return backend.record('TopK', [x], { k }, [
    { shape, dtype: dtypeOf(x) },
    { shape, dtype: 'int32' },
  ]);
}

function emitTopK(g: Graph, x: string, k: number, dtype: DType): string[] {
  const taken = dtype === 'bool' ? g.cast(x, 'int32') : x;
  const [values = '', indices = ''] = g.nodes('TopK', [taken, g.shape([k])], { axis: -1, largest: 1, sorted: 1 }, 2);
  return [dtype === 'bool' ? g.cast(values, 'bool') : values, g.cast(indices, 'int32')];
}

export const reductions: Kernels = {
  Sum: reduction('Sum', { type: 'ReduceSum', computes: whole, output: whole, ofNothing: 0 }),
  Mean: reduction('Mean', { type: 'ReduceMean', computes: toFloat, output: toFloat, ofNothing: 0 }),
  Prod: reduction('Prod', { type: 'ReduceProd', computes: whole, output: whole, ofNothing: 1 }),
  Max: reduction('Max', { type: 'ReduceMax', computes: whole, output: same, ofNothing: NaN }),
  Min: reduction('Min', { type: 'ReduceMin', computes: whole, output: same, ofNothing: NaN }),
  All: reduction('All', { type: 'ReduceMin', computes: toInt, output: toBool, ofNothing: 0 }),
  Any: reduction('Any', { type: 'ReduceMax', computes: toInt, output: toBool, ofNothing: 0 }),
  ArgMax: extreme('ArgMax'),
  ArgMin: extreme('ArgMin'),
  Cumsum: {
    record(backend, inputs, { axis, exclusive, reverse }) {
      const x = input(inputs, 'x');
      const place = axisOf(axis, x.shape.length);
      return backend.record('Cumsum', [x], { axis: place, exclusive, reverse }, { shape: x.shape, dtype: whole(dtypeOf(x)) });
    },
    emit(g, [x = ''], { inputs, attributes: { axis, exclusive, reverse } }) {
      const taken = inputs[0]?.dtype === 'bool' ? g.cast(x, 'int32') : x;
      return g.node('CumSum', [taken, g.i64([axis as number])], { exclusive: exclusive ? 1 : 0, reverse: reverse ? 1 : 0 });
    },
  },
  Cumprod: {
    record(backend, inputs, { axis, exclusive, reverse }) {
      const x = input(inputs, 'x');
      const attributes = { axis: axisOf(axis, x.shape.length), exclusive, reverse };
      return backend.record('Cumprod', [x], attributes, { shape: x.shape, dtype: whole(dtypeOf(x)) });
    },
    emit(g, [x = ''], op) {
      const dtype = op.inputs[0]?.dtype;
      const product = emitCumprod(g, dtype === 'float32' ? x : g.cast(x, 'float32'), op);
      return dtype === 'float32' ? product : g.cast(product, 'int32');
    },
  },
  TopK: {
    record(backend, inputs, { k }) {
      const x = input(inputs, 'x');
      return recordTopK(backend, x, k as number);
    },
    emit: (g, [x = ''], { inputs, attributes: { k } }) => emitTopK(g, x, k as number, inputs[0]?.dtype as DType),
  },
};
