/**
 * How kernels enter the `onnxruntime` backend, the fused ones included. A kernel has two halves:
 *
 * 1. **Recording** (at every call): computes the shapes of its outputs and records one operation. Nothing is allocated, nothing runs.
 *
 *    ```ts
 *    defineKernel('Linear', {
 *      record: (backend, { x, w, b }) => backend.record('Linear', [x, w, b], {}, { shape: [x.shape[0], w.shape[1]], dtype: 'float32' }),
 *      emit: (g, [x, w, b]) => g.node('Gemm', [x, w, b]),
 *    });
 *    ```
 * 2. **Emitting** (when a read flushes what was recorded): the emitter gets the ONNX names of its inputs and returns the name of its
 *    output, or the names of its outputs. Inputs already have the shape with which they were recorded (views are reshaped before).
 *
 *    ```ts
 *    emit: (g, [x, gamma, beta], op) => g.nodes('LayerNormalization', [x, gamma, beta], { axis: -1, epsilon: { float: 1e-12 } }, 3)
 *    ```
 *
 * `backend.record(op, inputs, attributes, outputs)`: `inputs` are tensors or tensor infos, `outputs` one `{ shape, dtype }` or an array of
 * them (an array gives an array back). `attributes` is any object; the emitter finds it as `op.attributes`.
 *
 * **The one rule.** Graphs are cached by what is emitted: ops, wiring, attributes, baked constants. Sizes are not part of that, so never
 * bake a number that depends on a size or that changes between steps. What varies is *fed*:
 *
 * | baked (part of the cache key)            | fed (never compiles anew)                       |
 * |------------------------------------------|-------------------------------------------------|
 * | `g.f32(0.5)`, `g.i64([0, 1])`, attributes | `g.shape([b, t, h])`, `g.scalar(value, dtype)`  |
 *
 * A learning rate, a step count or a seed is best a tensor input of the operation. An emitter may emit different nodes for different
 * shapes (say, when a dimension is 1): the key notices.
 *
 * Types: ONNX names are untyped here, so cast where ONNX Runtime wants it (`g.cast(x, 'float32')`). tfjs `bool` is ONNX bool, `int32` is
 * int32; Gather takes int32 indices, ScatterND and GatherND want `g.cast(x, 'int64')`. opset 20 and com.microsoft 1 are imported.
 */
import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { shared } from '../../core/shared';
import type { OnnxBackend } from './backend';

/** The dtypes that are computed with. */
export type DType = 'float32' | 'int32' | 'bool';

/** What ONNX knows beside them. */
export type OnnxType = DType | 'int64' | 'uint32' | 'uint64' | 'uint8' | 'double';

/** An ONNX attribute: a number is an int, floats are marked. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

/** A recorded operation as its emitter sees it. */
export interface Operation {
  readonly op: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly inputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[];
  readonly outputs: readonly { readonly shape: readonly number[]; readonly dtype: DType }[];
  /** Whether anybody still wants output `index`: an optional one (a saved mean, say) need not be computed otherwise. */
  wanted(index: number): boolean;
}

/** The ONNX graph under construction. Names are opaque strings. */
export interface Graph {
  /** Adds a node with one output and returns its name. An empty input name skips an optional input. */
  node(
    type: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
    domain?: 'com.microsoft',
  ): string;
  /** The same with `count` outputs. */
  nodes(
    type: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    count: number,
    domain?: 'com.microsoft',
  ): string[];
  /** A baked float scalar, or a vector. */
  f32(value: number | readonly number[]): string;
  /** A baked int32 scalar. */
  i32(value: number): string;
  /** A baked int64 vector (axes). */
  i64(values: readonly number[]): string;
  /** A fed int64 vector: reshape targets, slice bounds, pads, counts. */
  shape(values: readonly number[]): string;
  /** A fed scalar. */
  scalar(value: number, dtype?: OnnxType): string;
  /** A Cast. */
  cast(x: string, dtype: OnnxType): string;
  /**
   * Says that the intermediate `x` may be computed in the memory of this operation's output `index`: for one that is as large, and that
   * the output's node reads in place. Returns `x`.
   */
  inMemoryOf(x: string, index: number): string;
  /** A Reshape to a fed shape. */
  reshape(x: string, shape: readonly number[]): string;
}

/** Emits one operation: returns the names of its outputs, as many as were recorded. */
export type Emitter = (g: Graph, inputs: readonly string[], operation: Operation) => string | readonly string[];

/** A kernel's tensors: by name, or a list for `AddN`, `Concat` and `Pack`. */
export type Inputs = Readonly<Record<string, TensorInfo>>;

/** One tfjs kernel on this backend. */
export interface Kernel {
  record(backend: OnnxBackend, inputs: Inputs, attributes: Readonly<Record<string, unknown>>): TensorInfo | TensorInfo[];
  /** Absent where `record` records operations of other kernels, or none. */
  readonly emit?: Emitter;
}

export type Kernels = Readonly<Record<string, Kernel>>;

/** The name under which tfjs knows the backend. */
export const backendName = 'onnxruntime';

const emitters = shared('onnxruntime.emitters', () => new Map<string, Emitter>());

/** Says how an operation becomes ONNX nodes. A later call with the same name replaces it. */
export function emit(op: string, emitter: Emitter): void {
  emitters.set(op, emitter);
}

export const emitterOf = (op: string): Emitter | undefined => emitters.get(op);

/** True for the dtypes that this backend computes with. */
export const isComputable = (dtype: DataType): dtype is DType => dtype === 'float32' || dtype === 'int32' || dtype === 'bool';
