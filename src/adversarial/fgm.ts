import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { GradientTransform } from '../core/types';
import { mean, probe } from './evaluations';
import { ofLength, ofTokens, perExample, type PerturbationNorm } from './perturbation';

export interface FgmOptions {
  /** Length of the perturbation, ≥ 0, in the units of the word embeddings. Default 1. */
  readonly epsilon?: number;
  /** Whose length: `perExample` or `wholeBatch`. Default `perExample`. */
  readonly norm?: PerturbationNorm;
}

/**
 * Fast gradient method: the model learns each text a second time, moved in embedding space to where its loss rises fastest.
 *
 * `½ (∇L(x) + ∇L(x + r))` with `r = ε g / ‖g‖₂`, g the gradient of L by the word embeddings [B, T, H]; padding has r = 0.
 *
 * **Needs** a model that adds `inputs.offset`. The attack is on `batch.inputs`, not on the batch's other views.
 * **Cost** two evaluations; two more gradients in memory, besides the perturbation.
 * **Limits** ε = 0 is training without it. Loss and reports are the clean ones. No weight is changed. Attacks compose: each adds to the offset that is there.
 * **Differs from the paper** in the mean of both gradients, where the paper weighs two losses alike: half of it, so that a penalty in the
 * objective (`ewc`) counts once. The implementation that circulates moves the embedding table, whose gradient has one row per word: it adds
 * both gradients, moves all places of a word alike, and takes the norm over the table. `wholeBatch` is the nearest to it.
 * **See also** `pgd` (several smaller steps), `freelb` (learns from all of them).
 *
 * @throws HoldfastError `bad-argument` if `epsilon` is negative or not finite; when evaluated, `offset-ignored`
 * @see Miyato et al., Adversarial Training Methods for Semi-Supervised Text Classification, ICLR 2017, arXiv:1605.07725, section 3
 * @example
 * await fit(model, { objective: crossEntropy(), data, transforms: [fgm({ epsilon: 1 })], optimizer, seed: 1 });
 */
export function fgm({ epsilon = 1, norm = perExample }: FgmOptions = {}): GradientTransform {
  requireNumber('fgm', 'epsilon', epsilon);
  return (next, model) =>
    (batch, weights = model.weights) => {
      const clean = probe('fgm', next, model, batch, weights);
      const attack = tf.tidy(() => ofLength(epsilon, ofTokens(clean.offset, batch.inputs.mask), norm));
      const attacked = probe('fgm', next, model, batch, weights, attack);
      attack.dispose();
      return mean(clean, attacked);
    };
}
