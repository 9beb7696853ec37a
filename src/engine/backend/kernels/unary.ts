import type { Attribute, DType, Graph, Kernel, Kernels, Operation } from '../emitters';
import { dtypeOf, input, numberOf, numbers, prelu } from './common';

type Compute = (g: Graph, x: string, op: Operation) => string;

/** Computes in float32 and gives the result the input's dtype, as tfjs's cpu does. `native`: these dtypes need no detour. */
function elementwise(
  name: string,
  compute: Compute,
  { native = ['float32'], output }: { native?: readonly DType[]; output?: DType } = {},
): Kernel {
  return {
    record(backend, inputs, attributes) {
      const x = input(inputs, 'x');
      return backend.record(name, [x], attributes, { shape: x.shape, dtype: output ?? dtypeOf(x) });
    },
    emit(g, [x], op) {
      const from = (op.inputs[0] as { dtype: DType }).dtype;
      const to = (op.outputs[0] as { dtype: DType }).dtype;
      if (native.includes(from)) return compute(g, x as string, op);
      const result = compute(g, g.cast(x as string, 'float32'), op);
      return to === 'float32' || output === 'bool' ? result : g.cast(result, to);
    },
  };
}

const onnx =
  (type: string, attributes?: Readonly<Record<string, Attribute>>): Compute =>
  (g, x) =>
    g.node(type, [x], attributes);

/** Plain ONNX operators under their tfjs names. */
const plain = (...names: string[]): Kernels =>
  Object.fromEntries(
    names.map((entry) => entry.split('=')).map(([name = '', type = name]) => [name, elementwise(name, onnx(type))]),
  );

/** log(1 + x), exact near 0: x itself where 1 + x rounds to 1, else the rounding of 1 + x is corrected (Kahan). */
function log1p(g: Graph, x: string): string {
  const sum = g.node('Add', [x, g.f32(1)]);
  const kept = g.node('Sub', [sum, g.f32(1)]);
  const log = g.node('Log', [sum]);
  const corrected = g.node('Mul', [log, g.node('Div', [x, kept])]);
  const exact = g.node('Equal', [kept, x]);
  const tiny = g.node('Equal', [kept, g.f32(0)]);
  return g.node('Where', [exact, log, g.node('Where', [tiny, x, corrected])]);
}

/** exp(x) − 1, exact near 0, the same way. */
function expm1(g: Graph, x: string): string {
  const exp = g.node('Exp', [x]);
  const less = g.node('Sub', [exp, g.f32(1)]);
  const corrected = g.node('Mul', [less, g.node('Div', [x, g.node('Log', [exp])])]);
  const far = g.node('Greater', [g.node('Abs', [x]), g.f32(1)]);
  const tiny = g.node('Equal', [less, g.f32(0)]);
  return g.node('Where', [far, less, g.node('Where', [tiny, x, corrected])]);
}

/** 1 above 0, else alpha; NaN stays NaN, so that a diverged run shows. */
function step(g: Graph, x: string, { attributes }: Operation): string {
  const result = g.node('Where', [g.node('Greater', [x, g.f32(0)]), g.f32(1), g.scalar(numberOf(attributes['alpha'], 0))]);
  return g.node('Where', [g.node('IsNaN', [x]), x, result]);
}

const isInfinite: Compute = (g, x) => g.node('Equal', [g.node('Abs', [x]), g.f32(Infinity)]);
const isFinite: Compute = (g, x) => g.node('Less', [g.node('Abs', [x]), g.f32(Infinity)]);

const square: Compute = (g, x) => g.node('Mul', [x, x]);
const rsqrt: Compute = (g, x) => g.node('Reciprocal', [g.node('Sqrt', [x])]);

export const unary: Kernels = {
  ...plain('Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'Cos', 'Cosh', 'Elu', 'Erf', 'Floor', 'Log', 'Reciprocal'),
  ...plain('Round', 'Selu', 'Sigmoid', 'Sin', 'Sinh', 'Softplus', 'Sqrt', 'Tan', 'Tanh'),
  Abs: elementwise('Abs', onnx('Abs'), { native: numbers }),
  Exp: elementwise('Exp', onnx('Exp'), { output: 'float32' }),
  Expm1: elementwise('Expm1', expm1),
  IsFinite: elementwise('IsFinite', isFinite, { output: 'bool' }),
  IsInf: elementwise('IsInf', isInfinite, { output: 'bool' }),
  IsNan: elementwise('IsNan', onnx('IsNaN'), { output: 'bool' }),
  Log1p: elementwise('Log1p', log1p),
  LogicalNot: elementwise('LogicalNot', (g, x, op) => g.node('Not', [op.inputs[0]?.dtype === 'bool' ? x : g.cast(x, 'bool')]), {
    native: ['float32', 'int32', 'bool'],
    output: 'bool',
  }),
  Neg: elementwise('Neg', onnx('Neg'), { native: numbers }),
  Relu: elementwise(
    'Relu',
    (g, x, op) => (op.inputs[0]?.dtype === 'int32' ? g.node('Max', [x, g.i32(0)]) : g.node('Relu', [x])),
    {
      native: numbers,
    },
  ),
  Relu6: elementwise('Relu6', (g, x) => g.node('Clip', [x, g.f32(0), g.f32(6)])),
  Rsqrt: elementwise('Rsqrt', rsqrt),
  Sign: elementwise('Sign', onnx('Sign'), { native: numbers }),
  Square: elementwise('Square', square, { native: numbers }),
  Step: elementwise('Step', step),
  ClipByValue: elementwise('ClipByValue', (g, x, { attributes }) =>
    g.node('Clip', [x, g.scalar(attributes['clipValueMin'] as number), g.scalar(attributes['clipValueMax'] as number)]),
  ),
  LeakyRelu: elementwise('LeakyRelu', (g, x, { attributes }) => prelu(g, x, g.scalar(attributes['alpha'] as number)), {
    output: 'float32',
  }),
};
