import * as tf from '@tensorflow/tfjs';

/** Waits until all that was recorded is computed, and throws what failed. On an engine that computes at once it does nothing. */
export async function settled(): Promise<void> {
  await (tf.backend() as { flush?: () => Promise<void> }).flush?.();
}
