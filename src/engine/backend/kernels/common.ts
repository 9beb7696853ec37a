import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { DType, Graph, Inputs } from '../emitters';

/** A named input, which tfjs guarantees. */
export const input = (inputs: Inputs, name: string): TensorInfo => inputs[name] as TensorInfo;

/** The inputs of kernels that take a list. */
export const inputList = (inputs: Inputs): TensorInfo[] => Object.values(inputs);

/** The dtype of a tensor that the backend holds (it refuses the others). */
export const dtypeOf = ({ dtype }: TensorInfo): DType => dtype as DType;

export const broadcast = (a: TensorInfo, b: TensorInfo): number[] => tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);

export const numberOf = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

/** Axes counted from 0, sorted; all of them if none are given. */
export const axesOf = (axes: unknown, shape: readonly number[]): number[] =>
  tf.util.parseAxisParam(axes as number | number[], shape as number[]).sort((a, b) => a - b);

export const axisOf = (axis: unknown, rank: number): number => {
  const number = numberOf(axis, -1);
  return number < 0 ? number + rank : number;
};

/** 0, 1, … up to `count`. */
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** The dtypes that ONNX Runtime's arithmetic takes as they are. */
export const numbers: readonly DType[] = ['float32', 'int32'];

/** x where it is not negative, else alpha · x. */
export const prelu = (g: Graph, x: string, alpha: string): string =>
  g.node('Where', [g.node('Less', [x, g.f32(0)]), g.node('Mul', [alpha, x]), x]);
