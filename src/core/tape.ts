import * as tf from '@tensorflow/tfjs';

/**
 * The value of `compute` and its gradient by each source; null where it does not depend on it.
 *
 * `tf.variableGrads` takes variables only; the engine takes any tensor. If `compute` or the way back throws, what the tape had saved is
 * freed: TensorFlow.js leaves it, which is all the activations of a forward pass.
 */
export function gradientsBy(
  compute: () => tf.Scalar,
  sources: tf.Tensor[],
  onError: () => void,
): { value: tf.Scalar; grads: (tf.Tensor | null | undefined)[] } {
  const engine = tf.engine();
  try {
    return engine.gradients(compute, sources, undefined, true);
  } catch (error) {
    const { state } = engine;
    if (state.gradientDepth === 0) {
      for (const { saved } of state.activeTape ?? []) saved?.forEach((tensor) => tensor.dispose());
      state.activeTape = [];
    }
    onError();
    throw error;
  }
}

/**
 * Runs `compute` as if no tape were open, so that it may open one of its own: a term can take a gradient to find out where to look. The tape around sees a
 * constant, and none of the activations in between stays in memory. (Nothing opens a tape inside `stopGradient`, which switches recording off.)
 */
export function besideTape<T extends tf.Tensor>(compute: () => T): T {
  const { state } = tf.engine();
  const { gradientDepth, activeTape } = state;
  state.gradientDepth = 0;
  try {
    return tf.tidy(compute);
  } finally {
    state.gradientDepth = gradientDepth;
    state.activeTape = activeTape;
  }
}
