import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import { mapTensors, squaredNorm } from '../core/tensors';
import type { Updater } from '../core/types';

export interface ClippedOptions {
  /** Largest norm of all gradients together. */
  readonly norm: number;
}

/**
 * Clips by the global norm: gradients that together are longer than `norm` are scaled down to it, so one odd batch cannot throw the weights.
 *
 * `g ← g · min(1, norm / (‖g‖₂ + 1e-6))` with the norm over all weights, rows included.
 *
 * It decorates the optimizer, so it sees a step's accumulated gradient. The factor is arithmetic: nothing is read.
 *
 * **Cost** two passes over the gradients.
 * **Limits** a large `norm` changes nothing. **Differs from** `torch.nn.utils.clip_grad_norm_` in nothing.
 *
 * @throws HoldfastError `bad-argument` if `norm` is negative or not finite
 * @see Pascanu et al., On the difficulty of training recurrent neural networks, ICML 2013, arXiv:1211.5063, algorithm 1
 * @example
 * await fit(model, { objective: crossEntropy(), data, optimizer: clipped(adamW({ learningRate: 3e-4 }), { norm: 1 }) });
 */
export function clipped(optimizer: Updater, { norm }: ClippedOptions): Updater {
  requireNumber('clipped', 'norm', norm);
  return {
    ...optimizer,
    apply(weights, grads, rows) {
      tf.tidy(() => {
        const factor = tf.minimum(1, tf.div(norm, tf.add(tf.sqrt(squaredNorm(grads)), 1e-6)));
        optimizer.apply(
          weights,
          mapTensors(grads, (grad) => tf.mul(grad, factor)),
          rows,
        );
      });
    },
  };
}
