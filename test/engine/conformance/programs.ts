import * as tf from '@tensorflow/tfjs';
import { createRng } from '../../../src/core/rng';
import type { Case, Recipe } from './recipes';

/** A dimension: a product of sizes that a program leaves open, as letters; the empty string is 1. */
type Dim = string;
type Sizes = Readonly<Record<string, number>>;

/** One operation: raw numbers that are interpreted when the program runs, so that every change of one gives a program again. */
interface Step {
  readonly op: number;
  readonly from: number;
  readonly other: number;
  readonly axis: number;
  readonly constant: number;
  readonly flag: boolean;
}

/** What a program of a pair has otherwise than the other one. */
export const changes = ['constant', 'axis', 'dtype', 'size 1', 'flag'] as const;

export interface Program {
  readonly name: string;
  /** The program for some sizes of its open dimensions. */
  at(sizes: Sizes): Case;
}

/** A tensor with its open shape. */
interface Item {
  readonly x: tf.Tensor;
  readonly dims: readonly Dim[];
}

const size = (dim: Dim, sizes: Sizes): number => [...dim].reduce((product, letter) => product * sizes[letter]!, 1);
const merged = (...dims: Dim[]): Dim => [...dims.join('')].sort().join('');
const same = (a: readonly Dim[], b: readonly Dim[]): boolean => a.length === b.length && a.every((dim, i) => dim === b[i]);

/** NumPy's rule on open shapes; undefined where they do not broadcast. */
function broadcast(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const out: Dim[] = [];
  for (let i = 1; i <= Math.max(a.length, b.length); i++) {
    const [left = '', right = ''] = [a[a.length - i], b[b.length - i]];
    if (left !== right && left !== '' && right !== '') return undefined;
    out.unshift(left === '' ? right : left);
  }
  return out;
}

type Op = (item: Item, step: Step, items: readonly Item[], sizes: Sizes) => Item | undefined;

const unary =
  (f: (x: tf.Tensor, c: number) => tf.Tensor): Op =>
  ({ x, dims }, { constant }) => ({ x: f(x, constant), dims });
const binary =
  (f: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, { equal = false } = {}): Op =>
  ({ x, dims }, { other }, items) => {
    const fitting = items.filter((item) => (equal ? same(dims, item.dims) : broadcast(dims, item.dims)));
    const second = fitting[other % fitting.length]!;
    return { x: f(x, second.x), dims: broadcast(dims, second.dims)! };
  };
const reduction =
  (f: (x: tf.Tensor, axis: number, keep: boolean) => tf.Tensor): Op =>
  ({ x, dims }, { axis, flag }) => {
    if (dims.length === 0) return undefined;
    const at = axis % dims.length;
    return { x: f(x, at, flag), dims: dims.flatMap((dim, i) => (i !== at ? [dim] : flag ? [''] : [])) };
  };
const alongAxis =
  (f: (x: tf.Tensor, axis: number, step: Step) => tf.Tensor): Op =>
  ({ x, dims }, step) =>
    dims.length === 0 ? undefined : { x: f(x, step.axis % dims.length, step), dims };

/** A length of about 1 whatever the input, so that programs neither explode nor vanish. */
const tame = (x: tf.Tensor): tf.Tensor => tf.tanh(tf.mul(x, 0.7));
const away = (x: tf.Tensor): tf.Tensor => tf.add(tf.abs(x), 0.5);
const indicesOf = (rows: number, count: number): tf.Tensor1D =>
  tf.tensor1d(
    Int32Array.from({ length: count }, (_, i) => (i * 7 + 1) % rows),
    'int32',
  );

/** Every kind of kernel that the rooms use, each tamed where it can grow. */
const ops: readonly Op[] = [
  unary((x, c) => tf.add(x, c)),
  unary((x, c) => tf.mul(x, c)),
  unary((x, c) => tf.sub(c, x)),
  unary((x, c) => tf.div(x, c + 2)),
  unary((x, c) => tf.leakyRelu(x, c / 4)),
  unary((x, c) => tf.clipByValue(x, -c, c + 0.5)),
  unary((x, c) => tf.exp(tf.mul(tame(x), c))),
  unary((x) => tf.log(away(x))),
  unary((x) => tf.sqrt(away(x))),
  unary((x) => tf.rsqrt(away(x))),
  unary((x) => tame(tf.square(x))),
  unary((x) => tf.sigmoid(x)),
  unary((x) => tf.erf(x)),
  unary((x) => tf.relu(x)),
  unary((x) => tf.softplus(x)),
  unary((x) => tf.neg(x)),
  unary((x) => tf.elu(x)),
  binary((a, b) => tf.add(a, b)),
  binary((a, b) => tf.sub(a, b)),
  binary((a, b) => tame(tf.mul(a, b))),
  binary((a, b) => tame(tf.div(a, away(b)))),
  // tfjs's gradients of these three forget to undo a broadcast.
  binary((a, b) => tf.maximum(a, b), { equal: true }),
  binary((a, b) => tf.minimum(a, b), { equal: true }),
  binary((a, b) => tame(tf.squaredDifference(a, b)), { equal: true }),
  reduction((x, axis, keep) => tame(tf.sum(x, axis, keep))),
  reduction((x, axis, keep) => tf.mean(x, axis, keep)),
  reduction((x, axis, keep) => tf.max(x, axis, keep)),
  reduction((x, axis, keep) => tame(tf.logSumExp(x, axis, keep))),
  alongAxis((x, axis) => tf.reverse(x, axis)),
  alongAxis((x, axis) => tf.add(...(tf.split(tf.concat([x, tf.neg(x), x], axis), 3, axis) as [tf.Tensor, tf.Tensor]))),
  alongAxis((x, axis, { flag }) => tf.max(tf.stack(flag ? [x, tf.mul(x, 0.5)] : [tf.mul(x, 0.5), x], axis), axis)),
  // Cuts one off, and pads with a constant.
  alongAxis((x, axis, { constant, flag }) => {
    const begin = x.shape.map((_, i) => (i === axis && flag ? 1 : 0));
    const kept = x.shape.map((length, i) => (i === axis ? length - 1 : length));
    if (x.size === 0 || x.shape.length > 4 || x.shape[axis] === 1) return tf.mul(x, constant);
    const pads = x.shape.map((_, i) => (i !== axis ? [0, 0] : flag ? [1, 0] : [0, 1]) as [number, number]);
    return tf.pad(tf.slice(x, begin, kept), pads, constant);
  }),
  ({ x, dims }, { flag }) => (dims.length === 0 ? undefined : { x: flag ? tf.softmax(x) : tame(tf.logSoftmax(x)), dims }),
  // tfjs's gradient of cumsum is right for the last axis.
  ({ x, dims }, { flag }) => (dims.length === 0 ? undefined : { x: tame(tf.cumsum(x, dims.length - 1, flag)), dims }),
  ({ x, dims }, { axis }) => {
    if (dims.length < 2) return undefined;
    const perm = dims.map((_, i) => (i + 1 + (axis % (dims.length - 1))) % dims.length);
    return { x: tf.transpose(x, perm), dims: perm.map((i) => dims[i]!) };
  },
  ({ x, dims }, { axis }) => {
    if (dims.length > 3) return undefined;
    const at = axis % (dims.length + 1);
    return { x: tf.expandDims(x, at), dims: [...dims.slice(0, at), '', ...dims.slice(at)] };
  },
  ({ x, dims }, { axis }, _, sizes) => {
    if (dims.length < 2) return undefined;
    const at = axis % (dims.length - 1);
    const out = [...dims.slice(0, at), merged(dims[at]!, dims[at + 1]!), ...dims.slice(at + 2)];
    return {
      x: tf.reshape(
        x,
        out.map((dim) => size(dim, sizes)),
      ),
      dims: out,
    };
  },
  ({ x, dims }, { other }, _, sizes) => {
    if (dims.length > 3) return undefined;
    const out = ['abc'[other % 3]!, ...dims];
    return {
      x: tf.broadcastTo(
        tf.expandDims(x, 0),
        out.map((dim) => size(dim, sizes)),
      ),
      dims: out,
    };
  },
  ({ x, dims }, { flag }) => {
    if (dims.length < 2) return undefined;
    const [m, n] = [dims.at(-2)!, dims.at(-1)!];
    const product = flag ? tf.matMul(x, x, true, false) : tf.matMul(x, x, false, true);
    return { x: tame(tf.mul(product, 0.3)), dims: [...dims.slice(0, -2), ...(flag ? [n, n] : [m, m])] };
  },
  ({ x, dims }, { other }, _, sizes) => {
    if (dims.length === 0) return undefined;
    const count = 'abc'[other % 3]!;
    return { x: tf.gather(x, indicesOf(x.shape[0]!, size(count, sizes))), dims: [count, ...dims.slice(1)] };
  },
  // Constants of another dtype, on the same values.
  ({ x, dims }, { constant, flag }, _, sizes) => {
    const last = size(dims.at(-1) ?? '', sizes);
    const numbers = tf.range(0, last, 1, 'int32');
    const dtype = flag ? 'int32' : 'float32';
    const halves = tf.div(
      tf.mod(tf.cast(tf.add(numbers, Math.round(constant * 4)), dtype), tf.scalar(3, dtype)),
      tf.scalar(2, dtype),
    );
    return { x: tf.add(x, dims.length === 0 ? tf.reshape(halves, []) : halves), dims };
  },
  ({ x, dims }, { constant }, items, sizes) => {
    const last = size(dims.at(-1) ?? '', sizes);
    const mask = tf.greater(tf.mod(tf.range(0, last, 1, 'int32'), tf.scalar(2, 'int32')), 0);
    const shaped = tf.broadcastTo(dims.length === 0 ? tf.reshape(mask, []) : mask, x.shape);
    return { x: tf.where(shaped, x, tf.mul(x, constant)), dims: items.length > 0 ? dims : [] };
  },
];

const inputs: readonly (readonly Dim[])[] = [['a', 'b'], ['b'], ['a', '', 'c']];

function run(steps: readonly Step[], tensors: readonly tf.Tensor[], sizes: Sizes): tf.Tensor[] {
  const items: Item[] = tensors.map((x, i) => ({ x, dims: inputs[i]! }));
  for (const step of steps) {
    const item = items[items.length - 1 - (step.from % Math.min(items.length, 3))]!;
    const next = ops[step.op % ops.length]!(item, step, items, sizes);
    // Large tensors would only cost time.
    if (next && next.dims.join('').length <= 5) items.push(next);
  }
  // tfjs refuses to differentiate by an input that nothing depends on.
  return [items.at(-1)!.x, tf.addN(tensors.map((x) => tf.mean(x)))];
}

const recipe = (dims: readonly Dim[], sizes: Sizes, seed: number): Recipe => {
  const draw = createRng(seed);
  const shape = dims.map((dim) => size(dim, sizes));
  return {
    shape,
    dtype: 'float32',
    values: Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(draw() / 2 ** 30 - 2 + 0.01)),
  };
};

/** `count` programs in pairs that differ in one thing, the same for the same seed. */
export function programs(count: number, seed: number): Program[] {
  const draw = createRng(seed);
  const below = (most: number): number => (draw() >>> 0) % most;
  const step = (): Step => ({
    op: below(ops.length),
    from: below(3),
    other: below(60),
    axis: below(60),
    constant: (1 + below(12)) / 8,
    flag: below(2) === 1,
  });
  const program = (name: string, steps: readonly Step[], only1 = false): Program => ({
    name,
    at(sizes) {
      const used = only1 ? { ...sizes, a: 1 } : sizes;
      return {
        name: `${name} at ${JSON.stringify(used)}`,
        inputs: inputs.map((dims, i) => recipe(dims, used, i + 1)),
        f: (...tensors) => run(steps, tensors, used),
      };
    },
  });
  return Array.from({ length: Math.ceil(count / 2) }, (_, i) => {
    const steps = Array.from({ length: 3 + below(6) }, step);
    const change = changes[i % changes.length]!;
    const last = steps.pop()!;
    // The last steps are of a kind that the change matters to.
    const tail = { ...last, op: { constant: 0, axis: 25, dtype: ops.length - 2, 'size 1': last.op, flag: 33 }[change] };
    const other = {
      constant: { ...tail, constant: tail.constant + 0.5 },
      axis: { ...tail, axis: tail.axis + 1 },
      dtype: { ...tail, flag: !tail.flag },
      'size 1': tail,
      flag: { ...tail, flag: !tail.flag },
    }[change];
    return [program(`${i}a`, [...steps, tail]), program(`${i}b (other ${change})`, [...steps, other], change === 'size 1')];
  }).flat();
}
