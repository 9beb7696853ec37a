import * as tf from '@tensorflow/tfjs';
import type { TensorInfo } from '@tensorflow/tfjs';
import type { DType, Graph, Inputs, Kernel, Kernels } from '../emitters';
import type { OnnxBackend } from '../backend';
import { broadcast, dtypeOf, input, inputList, numbers, prelu } from './common';

/** Both inputs in one dtype, and the result in the dtype that tfjs's cpu gives it. */
function pairwise(
  name: string,
  compute: (g: Graph, a: string, b: string, dtype: DType) => string,
  { native = numbers, output }: { native?: readonly DType[]; output?: DType } = {},
): Kernel {
  return {
    record(backend, inputs) {
      const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
      return backend.record(
        name,
        [a, b],
        {},
        { shape: broadcast(a, b), dtype: output ?? (tf.upcastType(a.dtype, b.dtype) as DType) },
      );
    },
    emit(g, names, op) {
      const [from = 'float32', other = from] = op.inputs.map(({ dtype }) => dtype);
      const common = tf.upcastType(from, other) as DType;
      // Where the operator does not take the dtype: bool is computed as int32, and int32 as float32.
      const taken = native.includes(common) ? common : common === 'bool' && native.includes('int32') ? 'int32' : 'float32';
      const [a = '', b = ''] = names.map((x, i) => (op.inputs[i]?.dtype === taken ? x : g.cast(x, taken)));
      const result = compute(g, a, b, taken);
      const to = op.outputs[0]?.dtype as DType;
      return output !== undefined || to === taken ? result : g.cast(result, to);
    },
  };
}

const pair =
  (type: string): ((g: Graph, a: string, b: string) => string) =>
  (g, a, b) =>
    g.node(type, [a, b]);

/** Integers are divided in double precision: exact, and ONNX Runtime's integer division by zero would end the process. */
function throughDouble(g: Graph, a: string, b: string, dtype: DType, compute: (a: string, b: string) => string): string {
  if (dtype !== 'int32') return compute(a, b);
  const zero = g.node('Equal', [b, g.i32(0)]);
  const safe = g.node('Where', [zero, g.i32(1), b]);
  const result = g.cast(compute(g.cast(a, 'double'), g.cast(safe, 'double')), 'int32');
  return g.node('Where', [zero, g.i32(0), result]);
}

const floorDiv = (g: Graph, a: string, b: string, dtype: DType): string => {
  const result = throughDouble(g, a, b, dtype, (x, y) => g.node('Floor', [g.node('Div', [x, y])]));
  return dtype === 'int32' ? result : g.cast(result, 'int32');
};

/** The remainder with the divisor's sign: a − ⌊a / b⌋ b, but exact, from C's fmod. */
const mod = (g: Graph, a: string, b: string, dtype: DType): string =>
  throughDouble(g, a, b, dtype, (x, y) => {
    const remainder = g.node('Mod', [x, y], { fmod: 1 });
    const zero = g.cast(g.f32(0), dtype === 'int32' ? 'double' : 'float32');
    const differ = g.node('Xor', [g.node('Less', [x, zero]), g.node('Less', [y, zero])]);
    return g.node('Where', [differ, g.node('Mod', [g.node('Add', [remainder, y]), y], { fmod: 1 }), remainder]);
  });

const squaredDifference = (g: Graph, a: string, b: string): string => {
  const difference = g.node('Sub', [a, b]);
  return g.node('Mul', [difference, difference]);
};

const everything: readonly DType[] = ['float32', 'int32', 'bool'];

const binaries: Kernels = {
  Add: pairwise('Add', pair('Add')),
  Sub: pairwise('Sub', pair('Sub')),
  RealDiv: pairwise('RealDiv', pair('Div'), { native: ['float32'] }),
  FloorDiv: pairwise('FloorDiv', floorDiv, { output: 'int32' }),
  Mod: pairwise('Mod', mod),
  Pow: pairwise('Pow', pair('Pow')),
  Maximum: pairwise('Maximum', pair('Max')),
  Minimum: pairwise('Minimum', pair('Min')),
  SquaredDifference: pairwise('SquaredDifference', squaredDifference),
  Equal: pairwise('Equal', pair('Equal'), { native: everything, output: 'bool' }),
  NotEqual: pairwise('NotEqual', (g, a, b) => g.node('Not', [g.node('Equal', [a, b])]), { native: everything, output: 'bool' }),
  Greater: pairwise('Greater', pair('Greater'), { output: 'bool' }),
  GreaterEqual: pairwise('GreaterEqual', pair('GreaterOrEqual'), { output: 'bool' }),
  Less: pairwise('Less', pair('Less'), { output: 'bool' }),
  LessEqual: pairwise('LessEqual', pair('LessOrEqual'), { output: 'bool' }),
};

/** and, or, xor: the inputs become bools first. */
const logical = (name: string, type: string): Kernel => ({
  record(backend, inputs) {
    const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
    return backend.record(name, [a, b], {}, { shape: broadcast(a, b), dtype: 'bool' });
  },
  emit: (g, names, op) =>
    g.node(
      type,
      names.map((x, i) => (op.inputs[i]?.dtype === 'bool' ? x : g.cast(x, 'bool'))),
    ),
});

const multiply = pairwise('Multiply', pair('Mul'));

/** tfjs's gradients multiply with tensors of ones to broadcast; where such a tensor is still a recipe, broadcasting is all that is left. */
function multiplyOrBroadcast(backend: OnnxBackend, inputs: Inputs): TensorInfo | TensorInfo[] {
  const [a, b] = [input(inputs, 'a'), input(inputs, 'b')];
  if (a.dtype === 'float32' && b.dtype === 'float32') {
    const shape = broadcast(a, b);
    if (isOnes(backend, b)) return broadcastTo(backend, a, shape);
    if (isOnes(backend, a)) return broadcastTo(backend, b, shape);
  }
  return multiply.record(backend, inputs, {});
}

const isOnes = (backend: OnnxBackend, x: TensorInfo): boolean => {
  const producer = backend.pendingOp(x);
  return producer?.op === 'Fill' && producer.attributes['value'] === 1;
};

const broadcastTo = (backend: OnnxBackend, x: TensorInfo, shape: readonly number[]): TensorInfo =>
  tf.util.arraysEqual(x.shape, shape as number[])
    ? backend.view(x, shape)
    : backend.record('BroadcastTo', [x], {}, { shape, dtype: dtypeOf(x) });

const addN: Kernel = {
  record(backend, inputs) {
    const list = inputList(inputs);
    const [first] = list as [TensorInfo];
    if (list.length === 1) return backend.view(first, first.shape);
    return backend.record('AddN', list, {}, { shape: first.shape, dtype: dtypeOf(first) });
  },
  emit: (g, names, op) =>
    op.outputs[0]?.dtype === 'float32' ? g.node('Sum', names) : names.reduce((sum, x) => g.node('Add', [sum, x])),
};

export const binary: Kernels = {
  ...binaries,
  Multiply: { record: multiplyOrBroadcast, ...(multiply.emit && { emit: multiply.emit }) },
  LogicalAnd: logical('LogicalAnd', 'And'),
  LogicalOr: logical('LogicalOr', 'Or'),
  LogicalXor: logical('LogicalXor', 'Xor'),
  AddN: addN,
  Prelu: {
    record(backend, inputs) {
      const [x, alpha] = [input(inputs, 'x'), input(inputs, 'alpha')];
      return backend.record('Prelu', [x, alpha], {}, { shape: broadcast(x, alpha), dtype: 'float32' });
    },
    emit: (g, [x = '', alpha = '']) => prelu(g, x, alpha),
  },
  EluGrad: {
    record(backend, inputs) {
      const [dy, y] = [input(inputs, 'dy'), input(inputs, 'y')];
      return backend.record('EluGrad', [dy, y], {}, { shape: y.shape, dtype: 'float32' });
    },
    emit: (g, [dy = '', y = '']) =>
      g.node('Where', [g.node('Less', [y, g.f32(0)]), g.node('Mul', [dy, g.node('Add', [y, g.f32(1)])]), dy]),
  },
};
