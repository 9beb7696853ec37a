import * as tf from '@tensorflow/tfjs';
import type { DType, Graph, Kernels, Operation } from '../emitters';
import { axisOf, dtypeOf, input, numberOf, sizeOf } from './common';
import { filled } from './create';

/**
 * Rows of a batch of tables: all tables become one, and each index moves on by the rows before its table.
 * x [batch, outer, dim, inner] and indices [batch, n] give [batch, outer, n, inner].
 */
function gatherBatches(g: Graph, x: string, indices: string, { attributes, outputs }: Operation): string {
  const { batch, outer, dim, inner, n } = attributes as Record<'batch' | 'outer' | 'dim' | 'inner' | 'n', number>;
  const flat = g.node('Transpose', [g.reshape(x, [batch, outer, dim, inner])], { perm: [0, 2, 1, 3] });
  const table = g.reshape(flat, [batch * dim, outer, inner]);
  const firsts = g.node('Range', [g.i32(0), g.scalar(batch * dim, 'int32'), g.scalar(dim, 'int32')]);
  const rows = g.node('Add', [g.reshape(indices, [batch, n]), g.node('Unsqueeze', [firsts, g.i64([1])])]);
  const gathered = g.node('Transpose', [g.node('Gather', [table, rows], { axis: 0 })], { perm: [0, 2, 1, 3] });
  return g.reshape(gathered, outputs[0]?.shape ?? []);
}

/** Adds rows by their ids to zeros: x [N, …], ids [N]. Ids outside are dropped, as tfjs does, so their rows become zeros at place 0. */
function segmentSum(
  g: Graph,
  x: string,
  ids: string,
  [count = 0, ...inner]: readonly number[],
  segments: number,
  dtype: DType,
  shape: readonly number[],
): string {
  const inside = g.node('And', [g.node('GreaterOrEqual', [ids, g.i32(0)]), g.node('Less', [ids, g.scalar(segments, 'int32')])]);
  const place = g.node('Where', [inside, ids, g.i32(0)]);
  const [width, columns] = [sizeOf(inner), (values: string) => g.node('Unsqueeze', [values, g.i64([1])])];
  const rows = g.node('Where', [columns(inside), g.reshape(x, [count, width]), g.scalar(0, dtype)]);
  return g.reshape(addedAt(g, columns(place), rows, [count, width], segments, dtype), shape);
}

/** Adds slices at their places to zeros: the leading `depth` dimensions become one, and an index of them one number. */
function scatterSum(
  g: Graph,
  indices: string,
  updates: string,
  indexShape: readonly number[],
  shape: readonly number[],
  dtype: DType,
): string {
  const depth = indexShape.at(-1) ?? 0;
  const [lead, slice] = [shape.slice(0, depth), shape.slice(depth)];
  const [count, width] = [sizeOf(indexShape.slice(0, -1)), sizeOf(slice)];
  const strides = sizeOf(lead) === 0 ? [] : lead.map((_, axis) => sizeOf(lead.slice(axis + 1)));
  const scaled = g.node('Mul', [g.reshape(g.cast(indices, 'int64'), [count, depth]), g.shape(strides)]);
  const places = g.node('ReduceSum', [scaled, g.i64([1])], { keepdims: 1 });
  return g.reshape(addedAt(g, places, g.reshape(updates, [count, width]), [count, width], sizeOf(lead), dtype), shape);
}

/**
 * Rows [count, width] added at their places [count, 1] to zeros [height, width]. ScatterND would add on several threads at once and lose
 * sums where a place occurs twice; ScatterElements adds one after the other.
 */
function addedAt(
  g: Graph,
  places: string,
  rows: string,
  [count, width]: readonly [number, number],
  height: number,
  dtype: DType,
): string {
  const everywhere = g.node('Expand', [places, g.shape([count, width])]);
  return g.node('ScatterElements', [zeros(g, [height, width], dtype), everywhere, rows], { axis: 0, reduction: 'add' });
}

const zeros = (g: Graph, shape: readonly number[], dtype: DType): string =>
  g.node('Expand', [g.scalar(0, dtype), g.shape(shape)]);

export const gather: Kernels = {
  GatherV2: {
    record(backend, inputs, attributes) {
      const [x, indices] = [input(inputs, 'x'), input(inputs, 'indices')];
      const axis = axisOf(numberOf(attributes['axis'], 0), x.shape.length);
      const batchDims = numberOf(attributes['batchDims'], 0);
      const { batchSize, outerSize, dimSize, sliceSize, outputShape } = tf.backend_util.segment_util.collectGatherOpShapeInfo(
        x,
        indices,
        axis,
        batchDims,
      );
      const output = { shape: outputShape, dtype: dtypeOf(x) };
      if (batchDims === 0) return backend.record('GatherV2', [x, indices], { axis }, output);
      const sizes = { batch: batchSize, outer: outerSize, dim: dimSize, inner: sliceSize, n: sizeOf(indices.shape) / batchSize };
      return backend.record('GatherV2', [x, indices], sizes, output);
    },
    emit(g, [x = '', indices = ''], op) {
      const whole = op.inputs[1]?.dtype === 'int32' ? indices : g.cast(indices, 'int32');
      const { axis } = op.attributes;
      return axis === undefined ? gatherBatches(g, x, whole, op) : g.node('Gather', [x, whole], { axis: axis as number });
    },
  },
  GatherNd: {
    record(backend, inputs) {
      const [params, indices] = [input(inputs, 'params'), input(inputs, 'indices')];
      const depth = indices.shape.at(-1) ?? 0;
      const shape = [...indices.shape.slice(0, -1), ...params.shape.slice(depth)];
      return backend.record('GatherNd', [params, indices], {}, { shape, dtype: dtypeOf(params) });
    },
    emit: (g, [params = '', indices = '']) => g.node('GatherND', [params, g.cast(indices, 'int64')]),
  },
  ScatterNd: {
    record(backend, inputs, { shape }) {
      const [indices, updates] = [input(inputs, 'indices'), input(inputs, 'updates')];
      const output = { shape: shape as number[], dtype: dtypeOf(updates) };
      if (sizeOf(updates.shape) === 0) return filled(backend, output.shape, 0, output.dtype);
      return backend.record('ScatterNd', [indices, updates], {}, output);
    },
    emit(g, [indices = '', updates = ''], { inputs: [index], outputs: [output] }) {
      const { shape, dtype } = output as { shape: number[]; dtype: DType };
      if (dtype !== 'bool') return scatterSum(g, indices, updates, index?.shape ?? [], shape, dtype);
      return g.cast(scatterSum(g, indices, g.cast(updates, 'int32'), index?.shape ?? [], shape, 'int32'), 'bool');
    },
  },
  TensorScatterUpdate: {
    record(backend, inputs) {
      const [tensor, indices, updates] = [input(inputs, 'tensor'), input(inputs, 'indices'), input(inputs, 'updates')];
      return backend.record(
        'TensorScatterUpdate',
        [tensor, indices, updates],
        {},
        { shape: tensor.shape, dtype: dtypeOf(tensor) },
      );
    },
    emit: (g, [tensor = '', indices = '', updates = '']) => g.node('ScatterND', [tensor, g.cast(indices, 'int64'), updates]),
  },
  UnsortedSegmentSum: {
    record(backend, inputs, { numSegments }) {
      const [x, ids] = [input(inputs, 'x'), input(inputs, 'segmentIds')];
      const output = { shape: [numSegments as number, ...x.shape.slice(1)], dtype: dtypeOf(x) };
      if (sizeOf(x.shape) === 0) return filled(backend, output.shape, 0, output.dtype);
      return backend.record('UnsortedSegmentSum', [x, ids], {}, output);
    },
    emit(g, [x = '', ids = ''], { inputs: [values, places], outputs: [output] }) {
      const { shape, dtype } = output as { shape: number[]; dtype: DType };
      const whole = places?.dtype === 'int32' ? ids : g.cast(ids, 'int32');
      return segmentSum(g, x, whole, values?.shape ?? [], shape[0] as number, dtype, shape);
    },
  },
};
