import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import { denseGradients } from '../core/rows';
import { mapTensors } from '../core/tensors';
import type { GradientTransform } from '../core/types';
import { cut } from '../engine/cut';

export interface AwpOptions {
  /** Length of the perturbation relative to that of each weight, ≥ 0. Default 0.005. */
  readonly gamma?: number;
  /** Which of the trainable weights are moved, by name. Default all matrices and tables. */
  readonly weights?: (name: string) => boolean;
}

/**
 * Adversarial weight perturbation: the gradient is taken not at the weights but a little uphill of them, so that training ends where the loss is
 * flat around.
 *
 * `∇L(w + v)` with `v = γ ‖w‖₂ g / ‖g‖₂` for each weight, g = ∇L(w).
 *
 * **Needs** nothing of the batch. **Cost** two evaluations; in memory one more copy of the moved weights, the embedding table in full among them
 * unless `weights` leaves it out.
 * **Limits** γ = 0 is training without it. Loss and reports are those at the weights themselves. The weights are never written: the other point
 * is an argument of the evaluation. With dropout each evaluation has its own.
 * **Differs from the paper** in nothing for `transforms: [awp(), pgd()]`, which perturbs the weights for attacked texts; alone it does for
 * the clean ones. The authors' code leaves vectors out, as here. The implementation that circulates for text adds the clean gradient and
 * clamps each weight's own change.
 * **See also** `pgd`, `averaged` (flat minima at no further evaluation).
 *
 * @throws HoldfastError `bad-argument` if `gamma` is negative or not finite
 * @see Wu et al., Adversarial Weight Perturbation Helps Robust Generalization, NeurIPS 2020, arXiv:2004.05884, section 4
 * @see https://github.com/csdongxian/AWP (the authors' code)
 * @example
 * await fit(model, { objective: crossEntropy(), data, transforms: [awp({ gamma: 0.005 })], optimizer, seed: 1 });
 */
export function awp({ gamma = 0.005, weights: chosen }: AwpOptions = {}): GradientTransform {
  requireNumber('awp', 'gamma', gamma);
  return (next, model) =>
    (batch, weights = model.weights) => {
      const { loss, grads, rows, reports, offset } = next(batch, weights);
      const moved = tf.tidy(() => {
        const isMoved = (name: string) => (chosen ? chosen(name) : weights[name]!.rank > 1);
        const taken = Object.fromEntries(Object.entries(grads).filter(([name]) => isMoved(name)));
        return {
          ...mapTensors(denseGradients(taken, rows, weights), (grad, name) => movedUphill(weights[name]!, grad, gamma)),
        };
      });
      // The moved weights become inputs of the second evaluation's graph, which is then the first one's.
      cut();
      tf.dispose(Object.values(grads));
      const there = next(batch, { ...weights, ...moved });
      tf.dispose([moved, there.loss, ...Object.values(there.reports), ...(there.offset ? [there.offset] : [])]);
      return { loss, reports, grads: there.grads, rows: there.rows, ...(offset && { offset }) };
    };
}

/** `w + γ ‖w‖ g / ‖g‖`, of any shape; a gradient of 0 moves nothing. */
export const movedUphill = (weight: tf.Tensor, grad: tf.Tensor, gamma: number): tf.Tensor =>
  tf.add(weight, tf.mul(grad, tf.mul(tf.divNoNan(lengthOf(weight), lengthOf(grad)), gamma)));

const lengthOf = (x: tf.Tensor): tf.Tensor => tf.sqrt(tf.sum(tf.square(x)));
