import * as tf from '@tensorflow/tfjs';

/**
 * tfjs's own gradient of Mean writes a tensor of ones of the input's size in JavaScript, at every call. This one says the same with
 * `onesLike`, which is nothing but a broadcast on this backend. Gradients are global in tfjs: the other backends use it as well.
 */
export function registerGradients(): void {
  tf.registerGradient({
    kernelName: 'Mean',
    inputsToSave: ['x'],
    gradFunc: (dy, saved, attrs) => {
      const [x] = saved as [tf.Tensor];
      const axes = tf.util.parseAxisParam((attrs as unknown as { axis: number | number[] }).axis, x.shape);
      const expanded = x.shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
      const count = axes.reduce((product, axis) => product * (x.shape[axis] as number), 1);
      return { x: () => tf.mul(tf.div(tf.reshape(dy as tf.Tensor, expanded), count), tf.onesLike(x).toFloat()) };
    },
  });
}
