import * as tf from '@tensorflow/tfjs';
import { defineKernel } from '../../../src/engine/backend';

const run = (name: string, inputs: Record<string, tf.Tensor>): tf.Tensor => tf.engine().runKernel(name, inputs) as tf.Tensor;
const runAll = (name: string, inputs: Record<string, tf.Tensor>): tf.Tensor[] =>
  tf.engine().runKernel(name, inputs) as tf.Tensor[];

/** Fused kernels as the prototype had them: enough to train a BERT, and a user of the API for fused kernels. */
export interface Fused {
  linear(x: tf.Tensor, w: tf.Tensor, b: tf.Tensor): tf.Tensor;
  gelu(x: tf.Tensor): tf.Tensor;
  layerNorm(x: tf.Tensor, g: tf.Tensor, b: tf.Tensor): tf.Tensor;
}

/** Of plain tfjs operations, for any backend. */
export const composed: Fused = {
  linear: (x, w, b) => tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b),
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  layerNorm(x, g, b) {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    return tf.add(tf.mul(tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-12))), g), b);
  },
};

/** Registers the fused kernels on the `onnxruntime` backend. */
export function defineFused(): Fused {
  defineKernel('TestLinear', {
    record: (backend, { x, w, b }) =>
      backend.record('TestLinear', [x!, w!, b!], {}, { shape: [x!.shape[0]!, w!.shape[1]!], dtype: 'float32' }),
    emit: (g, inputs) => g.node('Gemm', inputs),
  });
  tf.registerGradient({
    kernelName: 'TestLinear',
    inputsToSave: ['x', 'w'],
    gradFunc: (dy, saved) => {
      const [x, w] = saved as [tf.Tensor2D, tf.Tensor2D];
      const d = dy as tf.Tensor2D;
      return { x: () => tf.matMul(d, w, false, true), w: () => tf.matMul(x, d, true, false), b: () => tf.sum(d, 0) };
    },
  });
  defineKernel('TestGelu', {
    record: (backend, { x }) => backend.record('TestGelu', [x!], {}, { shape: x!.shape, dtype: 'float32' }),
    emit: (g, inputs) => g.node('Gelu', inputs),
  });
  defineKernel('TestGeluGrad', {
    record: (backend, { dy, x }) => backend.record('TestGeluGrad', [dy!, x!], {}, { shape: x!.shape, dtype: 'float32' }),
    emit(g, [dy = '', x = '']) {
      const cdf = g.node('Add', [
        g.node('Mul', [g.node('Erf', [g.node('Mul', [x, g.f32(Math.SQRT1_2)])]), g.f32(0.5)]),
        g.f32(0.5),
      ]);
      const bell = g.node('Exp', [g.node('Mul', [g.node('Mul', [x, x]), g.f32(-0.5)])]);
      const slope = g.node('Mul', [g.node('Mul', [x, g.f32(0.3989422804014327)]), bell]);
      return g.node('Mul', [dy, g.node('Add', [cdf, slope])]);
    },
  });
  tf.registerGradient({
    kernelName: 'TestGelu',
    inputsToSave: ['x'],
    gradFunc: (dy, [x]) => ({ x: () => run('TestGeluGrad', { dy: dy as tf.Tensor, x: x! }) }),
  });
  defineKernel('TestLayerNorm', {
    record(backend, { x, g, b }) {
      const column = { shape: [...x!.shape.slice(0, -1), 1], dtype: 'float32' } as const;
      return backend.record('TestLayerNorm', [x!, g!, b!], {}, [{ shape: x!.shape, dtype: 'float32' }, column, column]);
    },
    emit: (g, inputs) => g.nodes('LayerNormalization', inputs, { axis: -1, epsilon: { float: 1e-12 } }, 3),
  });
  const normalised = tf.customGrad((x, g, b, save) => {
    const [y, mean, inverse] = runAll('TestLayerNorm', { x: x as tf.Tensor, g: g as tf.Tensor, b: b as tf.Tensor }) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    (save as tf.GradSaveFunc)([x as tf.Tensor, g as tf.Tensor, mean, inverse]);
    return {
      value: y,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [input, gamma, m, r] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const unit = tf.mul(tf.sub(input, m), r);
        const d = tf.mul(dy, gamma);
        const inner = tf.sub(tf.sub(d, tf.mean(d, -1, true)), tf.mul(unit, tf.mean(tf.mul(d, unit), -1, true)));
        return [tf.mul(r, inner), tf.sum(tf.mul(dy, unit), 0), tf.sum(dy, 0)];
      },
    };
  });
  return {
    linear: (x, w, b) => run('TestLinear', { x, w, b }),
    gelu: (x) => run('TestGelu', { x }),
    layerNorm: (x, g, b) => normalised(x, g, b),
  };
}

export interface BertSizes {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly inner: number;
  readonly vocabulary: number;
  readonly positions: number;
}

/** Deterministic numbers, so that two backends start from the same weights. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  };
}

export function makeWeights({ layers, hidden, inner, vocabulary, positions }: BertSizes): Record<string, tf.Tensor> {
  const next = noise(7);
  const random = (...shape: number[]): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * 0.05),
      shape,
    );
  const near = (value: number): tf.Tensor => tf.tensor1d(Float32Array.from({ length: hidden }, () => value + next() * 0.05));
  const weights: Record<string, tf.Tensor> = {
    we: random(vocabulary, hidden),
    pe: random(positions, hidden),
    eg: near(1),
    eb: near(0),
  };
  for (let l = 0; l < layers; l++) {
    for (const part of 'qkvo') Object.assign(weights, { [`${l}${part}w`]: random(hidden, hidden), [`${l}${part}b`]: near(0) });
    Object.assign(weights, { [`${l}iw`]: random(hidden, inner), [`${l}ib`]: random(inner), [`${l}fw`]: random(inner, hidden) });
    Object.assign(weights, {
      [`${l}fb`]: near(0),
      [`${l}g1`]: near(1),
      [`${l}b1`]: near(0),
      [`${l}g2`]: near(1),
      [`${l}b2`]: near(0),
    });
  }
  return Object.assign(weights, { cw: random(hidden, 2), cb: random(2) });
}

/** Logits of a batch; `embedded` [B · T, hidden] takes the place of the lookup. */
export function forward(
  weights: Record<string, tf.Tensor>,
  { layers, hidden, heads }: BertSizes,
  ids: tf.Tensor2D,
  { linear, gelu, layerNorm }: Fused,
  embedded?: tf.Tensor,
): tf.Tensor {
  const [b, t] = ids.shape;
  const w = (name: string): tf.Tensor => weights[name]!;
  const words = tf.reshape(embedded ?? tf.gather(w('we'), tf.reshape(ids, [-1])), [b, t, hidden]);
  const places = tf.expandDims(tf.slice(w('pe'), [0, 0], [t, hidden]), 0);
  let x = layerNorm(tf.reshape(tf.add(words, places), [b * t, hidden]), w('eg'), w('eb'));
  const each = hidden / heads;
  const split = (y: tf.Tensor): tf.Tensor => tf.transpose(tf.reshape(y, [b, t, heads, each]), [0, 2, 1, 3]);
  for (let l = 0; l < layers; l++) {
    const project = (part: string): tf.Tensor => split(linear(x, w(`${l}${part}w`), w(`${l}${part}b`)));
    const [q, k, v] = [project('q'), project('k'), project('v')];
    const scores = tf.softmax(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(each)));
    const context = tf.reshape(tf.transpose(tf.matMul(scores, v), [0, 2, 1, 3]), [b * t, hidden]);
    x = layerNorm(tf.add(x, linear(context, w(`${l}ow`), w(`${l}ob`))), w(`${l}g1`), w(`${l}b1`));
    const h = gelu(linear(x, w(`${l}iw`), w(`${l}ib`)));
    x = layerNorm(tf.add(x, linear(h, w(`${l}fw`), w(`${l}fb`))), w(`${l}g2`), w(`${l}b2`));
  }
  const first = tf.reshape(tf.slice(tf.reshape(x, [b, t, hidden]), [0, 0, 0], [b, 1, hidden]), [b, hidden]);
  return linear(first, w('cw'), w('cb'));
}

export const idsOf = (b: number, t: number, vocabulary: number): tf.Tensor2D =>
  tf.tensor2d(
    Int32Array.from({ length: b * t }, (_, i) => (i * 7919) % vocabulary),
    [b, t],
    'int32',
  );

/** Loss and gradients by weight name; lazy where the backend is. */
export function lossAndGradients(
  variables: Record<string, tf.Variable>,
  sizes: BertSizes,
  ids: tf.Tensor2D,
  fused: Fused,
  extra: { readonly embedded?: tf.Tensor } = {},
): { loss: tf.Tensor; grads: Record<string, tf.Tensor> } {
  const names = Object.keys(variables).filter((name) => !extra.embedded || name !== 'we');
  const [b] = ids.shape;
  return tf.tidy(() => {
    const labels = tf.tensor2d(
      Float32Array.from({ length: b * 2 }, (_, i) => ((i >> 1) + i) % 2),
      [b, 2],
    );
    const weights = Object.fromEntries(Object.entries(variables)) as Record<string, tf.Tensor>;
    const { value, grads } = tf
      .engine()
      .gradients(
        () => tf.mean(tf.neg(tf.sum(tf.mul(tf.logSoftmax(forward(weights, sizes, ids, fused, extra.embedded)), labels), -1))),
        [...names.map((name) => variables[name]!), ...(extra.embedded ? [extra.embedded] : [])],
        undefined,
        true,
      );
    return { loss: value, grads: Object.fromEntries(grads.map((grad, i) => [names[i] ?? 'embedded', grad])) };
  });
}
