import * as tf from '@tensorflow/tfjs';
import { backendName } from './emitters';

/**
 * tfjs's own gradients of Sum and Mean write a tensor of ones of the input's size in JavaScript, at every call, to multiply with it. On
 * this backend that is nothing but a broadcast. Gradients are global in tfjs: the other backends use these as well.
 */
export function registerGradients(): void {
  register('Sum', (dy) => dy);
  register('Mean', (dy, count) => tf.div(dy, count));
}

/** @param share one element's part of the gradient, with the size-1 axes kept; `count` elements went into each output */
function register(kernelName: 'Sum' | 'Mean', share: (dy: tf.Tensor, count: number) => tf.Tensor): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      const axes = tf.util.parseAxisParam((attrs as unknown as { axis: number | number[] }).axis, x.shape);
      const expanded = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
      const count = axes.reduce((product, axis) => product * (x.shape[axis] as number), 1);
      return { x: () => spread(share(tf.reshape(dy as tf.Tensor, expanded), count), x) };
    },
  });
}

/** A node of its own even where the shapes are equal already: the graph must not depend on sizes. */
const spread = (dy: tf.Tensor, x: tf.Tensor): tf.Tensor =>
  tf.getBackend() === backendName
    ? tf.engine().runKernel<tf.Tensor>('BroadcastTo', { x: dy }, { shape: x.shape })
    : tf.mul(dy, tf.onesLike(x).toFloat());
