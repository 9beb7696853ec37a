import * as tf from '@tensorflow/tfjs';
import { shared } from './shared';

const depth = shared('offTape', () => ({ value: 0 }));

/** True while `stopGradient` computes. */
export const isOffTape = (): boolean => depth.value > 0;

/**
 * Runs `compute` off the tape: no gradient, and no intermediate kept for one.
 *
 * @example
 * const teacher = stopGradient(() => model.forward(batch.inputs).logits);
 */
export function stopGradient<T extends tf.Tensor>(compute: () => T): T {
  // `customGrad` turns the tape off inside; with no inputs nothing flows back.
  const constant = tf.customGrad(() => {
    depth.value++;
    try {
      return { value: compute(), gradFunc: () => [] };
    } finally {
      depth.value--;
    }
  });
  return constant();
}
