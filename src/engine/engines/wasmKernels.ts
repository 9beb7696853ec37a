import * as tf from '@tensorflow/tfjs';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { patch } from './patch';

type Infos = Readonly<Record<string, tf.TensorInfo>>;
type Attributes = Readonly<Record<string, unknown>>;
type Numbers = Float32Array | Int32Array | Uint8Array;

/** A kernel in JavaScript on the memory of the backend. */
interface Kernel {
  /** Where tfjs's own kernel is wrong or missing; it does the rest. */
  applies(inputs: Infos, attributes: Attributes): boolean;
  output(inputs: Infos, attributes: Attributes): { readonly shape: readonly number[]; readonly dtype: tf.DataType };
  /** `to` is filled with zeros. */
  compute(to: Numbers, from: Readonly<Record<string, Numbers>>, attributes: Attributes, inputs: Infos): void;
}

const input = (inputs: Infos, name: string): tf.TensorInfo => inputs[name] as tf.TensorInfo;
const sizeOf = ({ shape }: tf.TensorInfo): number => shape.reduce((product, dim) => product * dim, 1);

/** `y[s] = Σ x[i] over all i with ids[i] = s`; ids outside of 0 to `numSegments` − 1 add to nothing. Missing: tfjs issue 8082. */
const segmentSum: Kernel = {
  applies: () => true,
  output: (inputs, { numSegments }) => ({
    shape: [numSegments as number, ...input(inputs, 'x').shape.slice(1)],
    dtype: 'float32',
  }),
  compute(to, from, { numSegments }) {
    const [x, ids] = [from['x'] as Numbers, from['segmentIds'] as Numbers];
    const width = ids.length === 0 ? 0 : x.length / ids.length;
    ids.forEach((place: number, i: number) => {
      if (place < 0 || place >= (numSegments as number)) return;
      for (let j = 0; j < width; j++) to[place * width + j] = (to[place * width + j] as number) + (x[i * width + j] as number);
    });
  },
};

/** Its own one copies the bytes. */
const castToBool: Kernel = {
  applies: (_, { dtype }) => dtype === 'bool',
  output: (inputs) => ({ shape: input(inputs, 'x').shape, dtype: 'bool' }),
  compute: (to, { x }) => x?.forEach((value: number, i: number) => (to[i] = value === 0 ? 0 : 1)),
};

/** Its own one always writes int32. */
const oneHot: Kernel = {
  applies: (_, { dtype }) => dtype !== 'int32',
  output: (inputs, { depth, dtype }) => ({
    shape: [...input(inputs, 'indices').shape, depth as number],
    dtype: dtype as tf.DataType,
  }),
  compute(to, { indices }, { depth, onValue, offValue }) {
    to.fill(offValue as number);
    indices?.forEach((place: number, i: number) => {
      if (place >= 0 && place < (depth as number)) to[i * (depth as number) + place] = onValue as number;
    });
  },
};

/** Its own one takes four bytes for each bool. */
const selectBools: Kernel = {
  applies: (inputs) => input(inputs, 't').dtype === 'bool',
  output: (inputs) => ({ shape: input(inputs, 't').shape, dtype: 'bool' }),
  compute(to, { condition, t, e }) {
    const each = to.length / (condition?.length ?? 1);
    for (let i = 0; i < to.length; i++) to[i] = (condition?.[Math.floor(i / each)] ? t?.[i] : e?.[i]) as number;
  },
};

/** Its own one takes the numbers for floats. */
const clipIntegers: Kernel = {
  applies: (inputs) => input(inputs, 'x').dtype === 'int32',
  output: (inputs) => ({ shape: input(inputs, 'x').shape, dtype: 'int32' }),
  compute(to, { x }, { clipValueMin, clipValueMax }) {
    x?.forEach((value: number, i: number) => (to[i] = Math.min(Math.max(value, clipValueMin as number), clipValueMax as number)));
  },
};

/** Its own one leaves the memory as it was. */
const sumOfNothing: Kernel = {
  applies: (inputs) => sizeOf(input(inputs, 'x')) === 0,
  output(inputs, { axis, keepDims }) {
    const { shape, dtype } = input(inputs, 'x');
    const axes = tf.util.parseAxisParam(axis as number | number[], shape);
    const [out] = tf.backend_util.computeOutAndReduceShapes(shape, axes);
    return { shape: keepDims ? tf.backend_util.expandShapeToKeepDim(out, axes) : out, dtype };
  },
  compute: () => {},
};

const kernels = {
  UnsortedSegmentSum: segmentSum,
  Cast: castToBool,
  OneHot: oneHot,
  Select: selectBools,
  ClipByValue: clipIntegers,
  Sum: sumOfNothing,
  Mean: sumOfNothing,
} as const;

/** Adds the kernel that tfjs's WebAssembly backend lacks and every embedding's gradient needs, and mends those that give wrong numbers. */
export function completeKernels(): void {
  for (const [name, kernel] of Object.entries(kernels)) {
    const run = (given: Infos, attributes: Attributes, backend: BackendWasm): tf.TensorInfo => {
      const { shape, dtype } = kernel.output(given, attributes);
      const output = backend.makeOutput([...shape], dtype);
      // Only now: making room may move the whole memory.
      const view = (tensor: tf.TensorInfo): Numbers => backend.typedArrayFromHeap(tensor);
      const from = Object.fromEntries(Object.entries(given).map(([key, tensor]) => [key, view(tensor)]));
      kernel.compute(view(output).fill(0), from, attributes, given);
      return output;
    };
    const mend =
      (own?: tf.KernelFunc): tf.KernelFunc =>
      (call) => {
        const [given, attributes] = [call.inputs as Infos, (call.attrs ?? {}) as Attributes];
        return own && !kernel.applies(given, attributes) ? own(call) : run(given, attributes, call.backend as BackendWasm);
      };
    if (tf.getKernel(name, 'wasm')) patch('wasm', name, mend);
    else tf.registerKernel({ kernelName: name, backendName: 'wasm', kernelFunc: mend() });
  }
}
