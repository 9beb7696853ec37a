import type * as tf from '@tensorflow/tfjs';
import { requireCount, requireNumber, requirePositive } from '../core/errors';
import { stopGradient } from '../core/stopGradient';
import { besideTape } from '../core/tape';
import type { Pass, Term } from '../core/types';
import { klDivergence } from '../losses/klDivergence';
import { meanOf } from '../losses/meanOf';
import { noiseOf, outputAt, slopeAt } from './probing';
import { ofLength, ofTokens, perExample, type PerturbationNorm } from './perturbation';
import type { Unlabeled } from './unlabeled';

export interface VatOptions {
  /** Length of the perturbation, ≥ 0, in the units of the word embeddings. Default 1. */
  readonly epsilon?: number;
  /** How far the probe goes that looks for the direction, above 0: small, but not lost in float32. Default 0.1. */
  readonly xi?: number;
  /** Power iterations. Default 1. */
  readonly iterations?: number;
  /** Whose length: `perExample` or `wholeBatch`. Default `perExample`. */
  readonly norm?: PerturbationNorm;
  /** Of the first direction where there is no dropout; with dropout it comes from the run's seed. Default 0. */
  readonly seed?: number;
}

/**
 * Virtual adversarial training: the model must say the same where a small change of the embeddings would change its answer most. It needs no label.
 *
 * `L = mean_b KL(p(x) ‖ p(x + r))` with p(x) held fixed, `r = ε d / ‖d‖₂`, and d from K times `d ← ∇_r KL(p(x) ‖ p(x + r))` at `r = ξ d / ‖d‖₂`, from
 * a random d [B, T, H]; padding has r = 0.
 *
 * **Needs** a model that adds `inputs.offset`; texts without labels do. Give it weight with `weighted`.
 * **Cost** K + 1 evaluations beside that of the batch, which all terms share; the K only leave a perturbation behind.
 * **Limits** ε = 0 is 0 without dropout. Gradient flows through p(x + r) alone: r is a constant of the step.
 * **Differs from the paper** in nothing where there is no dropout; with it each pass has its own mask, as in the authors' code. Word embeddings are not
 * normalised beforehand: their length decides what ε means. Classes that `batch.classes` closes take no part.
 * **See also** `smart` (both directions, other steps), `fgm` (with labels).
 *
 * @throws HoldfastError `bad-argument` for a number out of range; when evaluated, `offset-ignored`
 * @see Miyato et al., Adversarial Training Methods for Semi-Supervised Text Classification, ICLR 2017, arXiv:1605.07725, section 3
 * @see Miyato et al., Virtual Adversarial Training, TPAMI 2018, arXiv:1704.03976, algorithm 1
 * @example
 * const objective = sum(crossEntropy(), weighted(0.5, vat({ epsilon: 1 })));
 * await fit(model, { objective, data, optimizer, seed: 1 });
 */
export function vat({ epsilon = 1, xi = 0.1, iterations = 1, norm = perExample, seed = 0 }: VatOptions = {}): Term<Unlabeled> {
  requireNumber('vat', 'epsilon', epsilon);
  requirePositive('vat', 'xi', xi);
  requireCount('vat', 'iterations', iterations);
  requireCount('vat', 'seed', seed, 0, 0xffffffff);
  return (pass) => meanOf(vatOf(pass, noiseOf(pass, 1, seed), { epsilon, xi, iterations, norm }), pass.batch);
}

/** The divergence per example [B], from a first direction [B, T, H]. */
export function vatOf(
  pass: Pass<Unlabeled>,
  start: tf.Tensor3D,
  { epsilon, xi, iterations, norm }: Required<Omit<VatOptions, 'seed'>>,
): tf.Tensor1D {
  const { classes, inputs } = pass.batch;
  const { logits } = pass.output;
  const clean = stopGradient(() => logits.clone());
  const attack = besideTape(() => {
    let direction = ofTokens(start, inputs.mask);
    for (let k = 0; k < iterations; k++) {
      const probe = ofLength(xi, direction, norm);
      direction = ofTokens(
        slopeAt('vat', pass, probe, (there) => klDivergence(clean, there, classes)),
        inputs.mask,
      );
    }
    return ofLength(epsilon, direction, norm);
  });
  return klDivergence(clean, outputAt(pass, attack).logits, classes);
}
