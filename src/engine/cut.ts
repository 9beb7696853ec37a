import * as tf from '@tensorflow/tfjs';

/** Ends a segment: on a lazy engine, what was recorded until here becomes graphs of its own. Elsewhere it does nothing. */
export function cut(): void {
  (tf.backend() as { cut?: () => void }).cut?.();
}
