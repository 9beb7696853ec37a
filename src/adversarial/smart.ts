import type * as tf from '@tensorflow/tfjs';
import { requireCount, requireNumber, requirePositive } from '../core/errors';
import { besideTape } from '../core/tape';
import type { Pass, Term } from '../core/types';
import { meanOf } from '../losses/meanOf';
import { noiseOf, outputAt, slopeAt } from './probing';
import { ofTokens } from './perturbation';
import { smartPaper, type SmartVariant } from './smartVariants';
import type { Unlabeled } from './unlabeled';

export interface SmartOptions {
  /** Greatest change of any number of an embedding, ≥ 0. Default 1e-5. */
  readonly epsilon?: number;
  /** Size of each step, ≥ 0. Default 1e-3. */
  readonly stepSize?: number;
  /** Default 1. */
  readonly steps?: number;
  /** Deviation of the noise that the steps start from, above 0. Default 1e-5. */
  readonly noise?: number;
  /** Whose steps and divergences: `smartPaper` or `smartCode`. Default `smartPaper`. */
  readonly variant?: SmartVariant;
  /** Of the noise where there is no dropout; with dropout it comes from the run's seed. Default 0. */
  readonly seed?: number;
}

/**
 * SMART's smoothness: the model's answer must not change in a small box around each embedding, where it would change most. It needs no label.
 *
 * `L = mean_b KL(p ‖ q) + KL(q ‖ p)` with p the answer at x and q at x + δ [B, T, H]: `δ_0 ~ N(0, σ²)`, then K times
 * `δ ← Π_{‖δ‖∞ ≤ ε}(δ + η g / ‖g‖∞)`, g the gradient of the same divergence by δ; padding has δ = 0.
 *
 * **Needs** a model that adds `inputs.offset`; texts without labels do. Give it weight with `weighted`.
 * **Cost** K + 1 evaluations beside that of the batch, which all terms share; the K only leave a perturbation behind.
 * **Limits** it is the paper's first half; its second, which holds each step near the last weights, is not here. With the paper's ε of 1e-5 the divergence is next to
 * nothing: it says something with a larger ε. δ is a constant of the step.
 * **Differs from the paper** in nothing; with dropout each pass has its own mask. `smartCode` is what the authors' code does: another divergence
 * for the steps, and a perturbation that ends at size 1, not ε.
 * **See also** `vat` (one direction, power iteration), `rDrop` (two masks instead of a perturbation).
 *
 * @throws HoldfastError `bad-argument` for a number out of range; when evaluated, `offset-ignored`
 * @see Jiang et al., SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural Language Models, ACL 2020, arXiv:1911.03437, section 3.1
 * @see https://github.com/namisan/mt-dnn (the authors' code)
 * @example
 * const objective = sum(crossEntropy(), smart({ epsilon: 0.01, noise: 0.01, stepSize: 0.01 }));
 * await fit(model, { objective, data, optimizer, seed: 1 });
 */
export function smart({
  epsilon = 1e-5,
  stepSize = 1e-3,
  steps = 1,
  noise = 1e-5,
  variant = smartPaper,
  seed = 0,
}: SmartOptions = {}): Term<Unlabeled> {
  requireNumber('smart', 'epsilon', epsilon);
  requireNumber('smart', 'stepSize', stepSize);
  requireCount('smart', 'steps', steps);
  requirePositive('smart', 'noise', noise);
  requireCount('smart', 'seed', seed, 0, 0xffffffff);
  return (pass) => meanOf(smartOf(pass, noiseOf(pass, noise, seed), { epsilon, stepSize, steps, variant }), pass.batch);
}

/** The divergence per example [B], from a first perturbation [B, T, H]. */
export function smartOf(
  pass: Pass<Unlabeled>,
  start: tf.Tensor3D,
  { epsilon, stepSize, steps, variant }: Required<Omit<SmartOptions, 'noise' | 'seed'>>,
): tf.Tensor1D {
  const { classes, inputs } = pass.batch;
  const { logits } = pass.output;
  const perturbation = besideTape(() => {
    let delta = ofTokens(start, inputs.mask);
    for (let k = 0; k < steps; k++) {
      const slope = slopeAt('smart', pass, delta, (noisy) => variant.divergence(logits, noisy, classes));
      delta = variant.step(delta, ofTokens(slope, inputs.mask), stepSize, epsilon);
    }
    return delta;
  });
  return variant.loss(logits, outputAt(pass, perturbation).logits, classes);
}
