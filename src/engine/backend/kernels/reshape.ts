import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { Kernels } from '../emitters';
import type { OnnxBackend } from '../backend';
import { axisOf, dtypeOf, input, inputList, numberOf, sizeOf, upTo } from './common';
import { filled } from './create';

/** Part of a tensor. The whole of it is recorded too: whether it is the whole depends on sizes, and would mean another graph. */
function slice(backend: OnnxBackend, x: TensorInfo, begin: readonly number[], size: readonly number[]): TensorInfo {
  return backend.record('Slice', [x], { begin }, { shape: size, dtype: dtypeOf(x) });
}

/** Parts of a tensor, side by side along an axis. */
function split(backend: OnnxBackend, x: TensorInfo, axis: number, sizes: readonly number[]): TensorInfo[] {
  if (sizes.length === 1) return [backend.view(x, x.shape)];
  const begin = x.shape.map(() => 0);
  return sizes.map((size) => {
    const part = slice(
      backend,
      x,
      [...begin],
      x.shape.map((dim, i) => (i === axis ? size : dim)),
    );
    begin[axis] = (begin[axis] as number) + size;
    return part;
  });
}

function concat(backend: OnnxBackend, inputs: readonly TensorInfo[], axis: number): TensorInfo {
  const shape = tf.backend_util.computeOutShape(
    inputs.map((x) => x.shape),
    axis,
  );
  const parts = inputs.filter((x) => sizeOf(x.shape) > 0);
  const [first = inputs[0] as TensorInfo] = parts;
  if (parts.length === 1) return backend.view(first, shape);
  return backend.record('Concat', parts, { axis }, { shape, dtype: dtypeOf(first) });
}

/** Repeats along axes; ONNX's Expand where all of them have one element, which reads the tensor once. */
function tile(backend: OnnxBackend, x: TensorInfo, reps: readonly number[]): TensorInfo {
  const shape = x.shape.map((dim, i) => dim * (reps[i] as number));
  if (reps.every((rep) => rep === 1)) return backend.view(x, shape);
  const expands = x.shape.every((dim, i) => reps[i] === 1 || dim === 1);
  return backend.record(expands ? 'BroadcastTo' : 'Tile', [x], expands ? {} : { reps }, { shape, dtype: dtypeOf(x) });
}

const view = (backend: OnnxBackend, x: TensorInfo, shape: number[]): TensorInfo =>
  backend.view(x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape)));

const expand = (shape: readonly number[], axis: number): number[] => [...shape.slice(0, axis), 1, ...shape.slice(axis)];

/** Beyond every size: to the end, or to the very beginning with a negative step. */
const far = 2 ** 31 - 1;

export const reshape: Kernels = {
  Reshape: { record: (backend, inputs, { shape }) => view(backend, input(inputs, 'x'), shape as number[]) },
  ExpandDims: {
    record(backend, inputs, { dim }) {
      const x = input(inputs, 'input');
      return backend.view(x, expand(x.shape, axisOf(dim, x.shape.length + 1)));
    },
  },
  Transpose: {
    record(backend, inputs, attributes) {
      const x = input(inputs, 'x');
      const perm = attributes['perm'] as number[];
      if (perm.every((axis, i) => axis === i)) return backend.view(x, x.shape);
      return backend.record(
        'Transpose',
        [x],
        { perm: [...perm] },
        { shape: perm.map((axis) => x.shape[axis] as number), dtype: dtypeOf(x) },
      );
    },
    emit: (g, [x = ''], { attributes }) => g.node('Transpose', [x], { perm: attributes['perm'] as number[] }),
  },
  Slice: {
    record(backend, inputs, { begin, size }) {
      const x = input(inputs, 'x');
      const [from, sizes] = tf.slice_util.parseSliceParams(x, begin as number[], size as number[]) as [number[], number[]];
      tf.slice_util.assertParamsValid(x, from, sizes);
      return slice(backend, x, from, sizes);
    },
    emit(g, [x = ''], { attributes, outputs: [output] }) {
      const begin = attributes['begin'] as number[];
      return g.node('Slice', [x, g.shape(begin), g.shape(begin.map((from, i) => from + (output?.shape[i] as number)))]);
    },
  },
  StridedSlice: {
    record(backend, inputs, a) {
      const x = input(inputs, 'x');
      const info = tf.slice_util.sliceInfo(
        x.shape,
        a['begin'] as number[],
        a['end'] as number[],
        a['strides'] as number[],
        a['beginMask'] as number,
        a['endMask'] as number,
        a['ellipsisMask'] as number,
        a['newAxisMask'] as number,
        a['shrinkAxisMask'] as number,
      );
      if (info.isIdentity) return backend.view(x, info.finalShape);
      const sizes = tf.slice_util.computeOutShape(info.begin, info.end, info.strides);
      if (sizeOf(sizes) === 0) return filled(backend, info.finalShape, 0, dtypeOf(x));
      const { begin, strides } = info;
      const { dataId, dtype } = backend.record('StridedSlice', [x], { begin, strides }, { shape: sizes, dtype: dtypeOf(x) });
      return { dataId, shape: info.finalShape, dtype };
    },
    emit(g, [x = ''], { attributes, outputs: [output] }) {
      const [begin, strides] = [attributes['begin'] as number[], attributes['strides'] as number[]];
      const end = begin
        .map((from, i) => from + (output?.shape[i] as number) * (strides[i] as number))
        .map((to) => (to < 0 ? -far : to));
      return g.node('Slice', [x, g.shape(begin), g.shape(end), g.i64(upTo(begin.length)), g.shape(strides)]);
    },
  },
  Reverse: {
    record(backend, inputs, { dims }) {
      const x = input(inputs, 'x');
      const axes = tf.util.parseAxisParam(dims as number[], x.shape);
      if (axes.length === 0) return backend.view(x, x.shape);
      return backend.record('Reverse', [x], { axes }, { shape: x.shape, dtype: dtypeOf(x) });
    },
    emit(g, [x = ''], { attributes }) {
      const axes = attributes['axes'] as number[];
      const minus = g.i64(axes.map(() => -1));
      return g.node('Slice', [x, minus, g.i64(axes.map(() => -far)), g.i64(axes), minus]);
    },
  },
  SplitV: {
    record(backend, inputs, { numOrSizeSplits, axis }) {
      const x = input(inputs, 'x');
      const place = axisOf(numberOf(axis, 0), x.shape.length);
      return split(backend, x, place, tf.backend_util.prepareSplitSize(x, numOrSizeSplits as number | number[], place));
    },
  },
  Unpack: {
    record(backend, inputs, { axis }) {
      const x = input(inputs, 'value');
      const place = axisOf(axis, x.shape.length);
      const shape = x.shape.filter((_, i) => i !== place);
      const ones = Array.from({ length: x.shape[place] as number }, () => 1);
      return split(backend, x, place, ones).map(({ dataId, dtype }) => ({ dataId, shape, dtype }));
    },
  },
  Concat: {
    record(backend, inputs, { axis }) {
      const list = inputList(inputs);
      const place = axisOf(axis, list[0]?.shape.length ?? 1);
      tf.backend_util.assertParamsConsistent(
        list.map((x) => x.shape),
        place,
      );
      return concat(backend, list, place);
    },
    emit(g, names, { inputs, outputs: [output], attributes }) {
      const dtype = output?.dtype ?? 'float32';
      return g.node(
        'Concat',
        names.map((x, i) => (inputs[i]?.dtype === dtype ? x : g.cast(x, dtype))),
        { axis: attributes['axis'] as number },
      );
    },
  },
  Pack: {
    record(backend, inputs, { axis }) {
      const list = inputList(inputs);
      const [first] = list as [TensorInfo];
      for (const { shape } of list)
        tf.util.assertShapesMatch(first.shape, shape, 'All tensors passed to stack must have matching shapes');
      const place = axisOf(axis, first.shape.length + 1);
      return concat(
        backend,
        list.map((x) => ({ ...x, shape: expand(x.shape, place) })),
        place,
      );
    },
  },
  Tile: {
    record: (backend, inputs, { reps }) => tile(backend, input(inputs, 'x'), reps as number[]),
    emit: (g, [x = ''], { attributes }) => g.node('Tile', [x, g.shape(attributes['reps'] as number[])]),
  },
  BroadcastTo: {
    record(backend, inputs, { shape }) {
      const x = input(inputs, 'x');
      if (tf.util.arraysEqual(x.shape, shape as number[])) return backend.view(x, x.shape);
      return backend.record('BroadcastTo', [x], {}, { shape: shape as number[], dtype: dtypeOf(x) });
    },
    emit: (g, [x = ''], { outputs: [output] }) => g.node('Expand', [x, g.shape(output?.shape ?? [])]),
  },
  PadV2: {
    record(backend, inputs, { paddings, constantValue }) {
      const x = input(inputs, 'x');
      const pads = paddings as [number, number][];
      const shape = x.shape.map((dim, i) => dim + (pads[i]?.[0] ?? 0) + (pads[i]?.[1] ?? 0));
      const value = numberOf(constantValue, 0);
      if (sizeOf(x.shape) === 0) return filled(backend, shape, value, dtypeOf(x));
      return backend.record(
        'PadV2',
        [x],
        { pads: [...pads.map(([before]) => before), ...pads.map(([, after]) => after)], value },
        { shape, dtype: dtypeOf(x) },
      );
    },
    emit: (g, [x = ''], { attributes: { pads, value }, inputs: [from] }) =>
      g.node('Pad', [x, g.shape(pads as number[]), g.scalar(value as number, from?.dtype)]),
  },
};
