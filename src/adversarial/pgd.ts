import * as tf from '@tensorflow/tfjs';
import { requireCount, requireNumber } from '../core/errors';
import type { GradientTransform } from '../core/types';
import { discard, mean, probe } from './evaluations';
import { ofLength, ofTokens, perExample, within, type PerturbationNorm } from './perturbation';

export interface PgdOptions {
  /** Greatest length of the perturbation, ≥ 0, in the units of the word embeddings. Default 1. */
  readonly epsilon?: number;
  /** Length of each step, ≥ 0. Default 0.3. */
  readonly stepSize?: number;
  /** Default 3. */
  readonly steps?: number;
  /** Whose length: `perExample` or `wholeBatch`. Default `perExample`. */
  readonly norm?: PerturbationNorm;
}

/**
 * Projected gradient descent: the model learns each text a second time, from the worst place in embedding space that a few steps find nearby.
 *
 * `½ (∇L(x) + ∇L(x + r_K))` with `r_0 = 0` and `r ← Π_{‖r‖₂ ≤ ε}(r + α g / ‖g‖₂)`, g the gradient of L at x + r by the word embeddings
 * [B, T, H]; padding has r = 0.
 *
 * **Needs** a model that adds `inputs.offset`. The attack is on `batch.inputs`, not on the batch's other views.
 * **Cost** K + 1 evaluations, four by default. In memory two more gradients, however many steps.
 * **Limits** ε = 0 is training without it; one step of size ε is `fgm`. Loss and reports are the clean ones. No weight is changed. With dropout each
 * evaluation has its own. Attacks compose: each adds to the offset that is there.
 * **Differs from the paper** in starting at the text itself instead of at random, and in the mean with the clean gradient, as in `fgm`; the paper,
 * which is about images, learns from the attacked ones only. The steps are normalised, as in the implementations for text.
 * **See also** `fgm`, `freelb` (learns from every step: the same cost, nothing thrown away).
 *
 * @throws HoldfastError `bad-argument` for a number out of range; when evaluated, `offset-ignored`
 * @see Madry et al., Towards Deep Learning Models Resistant to Adversarial Attacks, ICLR 2018, arXiv:1706.06083, section 2.1
 * @example
 * const attack = pgd({ epsilon: 1, stepSize: 0.3, steps: 3 });
 * await fit(model, { objective: crossEntropy(), data, transforms: [attack], optimizer, seed: 1 });
 */
export function pgd({ epsilon = 1, stepSize = 0.3, steps = 3, norm = perExample }: PgdOptions = {}): GradientTransform {
  requireNumber('pgd', 'epsilon', epsilon);
  requireNumber('pgd', 'stepSize', stepSize);
  requireCount('pgd', 'steps', steps);
  return (next, model) =>
    (batch, weights = model.weights) => {
      const clean = probe('pgd', next, model, batch, weights);
      let last = clean;
      let attack: tf.Tensor3D | undefined;
      for (let k = 0; k < steps; k++) {
        const before = attack;
        attack = tf.tidy(() => {
          const step = ofLength(stepSize, ofTokens(last.offset, batch.inputs.mask), norm);
          return within(before ? tf.add(before, step) : step, epsilon, norm);
        });
        if (last !== clean) discard(last);
        last = probe('pgd', next, model, batch, weights, attack);
        before?.dispose();
      }
      attack?.dispose();
      return mean(clean, last);
    };
}
