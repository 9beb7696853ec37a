import * as tf from '@tensorflow/tfjs';
import { addTensors, mapTensors } from '../core/tensors';
import { badArgument, requireCount, requireNumber, requirePositive } from '../core/errors';
import { mix } from '../core/rng';
import type { GradientTransform, Tensors } from '../core/types';
import { cut } from '../engine/cut';
import { discard, probe, type Probed } from './evaluations';
import { ofLength, ofTokens, perExample, within, type PerturbationNorm } from './perturbation';

export interface FreelbOptions {
  /** Length of each step, ≥ 0, in the units of the word embeddings (`adv_lr`). Default 0.1. */
  readonly stepSize?: number;
  /** Evaluations, each of which is learned from (`adv_steps`). Default 3. */
  readonly steps?: number;
  /** Size of the random start, ≥ 0 (`adv_init_mag`, `rand_init_mag`). Default 0: the text itself. */
  readonly initial?: number;
  /** Greatest length that a step may lead to, above 0 (`adv_max_norm`). Default none. */
  readonly maxNorm?: number;
  /** Whose length: `perExample` or `wholeBatch`. Default `perExample`. */
  readonly norm?: PerturbationNorm;
  /** Of the random starts; whole number from 0. Default 0. */
  readonly seed?: number;
}

/** The transform, and how many random starts it has drawn: give it to `fit` as `keep`, and a resumed run draws the same ones. */
export type Freelb = GradientTransform & {
  state(): { readonly drawn: number };
  restore(state: { readonly drawn: number }): void;
};

/**
 * FreeLB: an attack on the word embeddings in a few steps, and the model learns from every one of them, not only from the last.
 *
 * `1/K Σ_{t<K} ∇L(x + δ_t)` with `δ_0 ~ U(−1, 1) · m / √(n_b H)` and `δ ← Π_{‖δ‖₂ ≤ ε}(δ + α g / ‖g‖₂)`, g the gradient of L at x + δ by the word
 * embeddings [B, T, H] and n_b the tokens of a text; padding has δ = 0.
 *
 * **Needs** a model that adds `inputs.offset`. The attack is on `batch.inputs`, not on the batch's other views.
 * **Cost** K evaluations; two more gradients in memory, however many steps.
 * **Limits** one step from the text itself, and α = 0, are training without it. Loss and reports are those of the first evaluation: the clean ones
 * unless `initial` is above 0. No weight is changed. A penalty in the objective (`ewc`) counts once. Attacks compose: each adds to the offset that is there.
 * **Differs from the paper** in where it starts by default: at the text, as in half of the authors' settings, instead of at random; and each evaluation
 * has its own dropout, where the paper keeps one mask. The authors' code for fairseq counts the first evaluation apart and divides by 1 + `adv-steps`: its
 * `adv-steps` is K − 1. Their code for Hugging Face counts as here.
 * **See also** `pgd` (learns from the clean and the last one).
 *
 * @throws HoldfastError `bad-argument` for a number out of range; when evaluated, `offset-ignored`
 * @see Zhu et al., FreeLB: Enhanced Adversarial Training for Natural Language Understanding, ICLR 2020, arXiv:1909.11764, algorithm 1
 * @see https://github.com/zhuchen03/FreeLB (the authors' code)
 * @example
 * const attack = freelb({ stepSize: 0.1, steps: 3, initial: 0.2, seed: 1 });
 * await fit(model, { objective: crossEntropy(), data, transforms: [attack], keep: { attack }, optimizer, seed: 1 });
 */
export function freelb({
  stepSize = 0.1,
  steps = 3,
  initial = 0,
  maxNorm,
  norm = perExample,
  seed = 0,
}: FreelbOptions = {}): Freelb {
  requireNumber('freelb', 'stepSize', stepSize);
  requireCount('freelb', 'steps', steps);
  requireNumber('freelb', 'initial', initial);
  if (maxNorm !== undefined) requirePositive('freelb', 'maxNorm', maxNorm);
  requireCount('freelb', 'seed', seed, 0, 0xffffffff);
  let drawn = 0;

  const transform: GradientTransform =
    (next, model) =>
    (batch, weights = model.weights) => {
      const { mask } = batch.inputs;
      let delta = initial > 0 ? tf.tidy(() => freelbStart(mask, model.hiddenSize, initial, mix(seed, drawn++))) : undefined;
      const first = probe('freelb', next, model, batch, weights, delta);
      let last: Probed = first;
      let { grads }: { grads: Tensors } = first;
      for (let k = 2; k <= steps; k++) {
        const before = delta;
        delta = tf.tidy(() => {
          const step = ofLength(stepSize, ofTokens(last.offset, mask), norm);
          const moved = before ? tf.add<tf.Tensor3D>(before, step) : step;
          return maxNorm === undefined ? moved : within(moved, maxNorm, norm);
        });
        if (last !== first) discard(last);
        const reached = probe('freelb', next, model, batch, weights, delta);
        const mean = grads;
        grads = tf.tidy(() => ({ ...runningMean(mean, reached.grads, k) }));
        cut();
        tf.dispose(Object.values(mean));
        before?.dispose();
        last = reached;
      }
      delta?.dispose();
      if (last !== first) discard(last);
      return { ...first, grads };
    };

  return Object.assign(transform, {
    state: () => ({ drawn }),
    restore(state: { readonly drawn: number }) {
      if (!Number.isSafeInteger(state.drawn) || state.drawn < 0)
        throw badArgument('freelb', `a state has the number of starts drawn, got ${String(state.drawn)}`);
      drawn = state.drawn;
    },
  });
}

/** The random start, uniform within ±size / √(n_b H): mask [B, T] → [B, T, H]. */
export function freelbStart(mask: tf.Tensor2D, hiddenSize: number, size: number, seed: number): tf.Tensor3D {
  // To TensorFlow.js a seed of 0 is none.
  const uniform = tf.randomUniform<tf.Rank.R3>([...mask.shape, hiddenSize], -1, 1, 'float32', seed + 1);
  const bound = tf.divNoNan(size, tf.sqrt(tf.mul(tf.sum(mask, 1, true), hiddenSize))); // [B, 1]
  return tf.mul(ofTokens(uniform, mask), tf.expandDims(bound, 2));
}

/** The mean of k gradients from that of k − 1; equal ones stay what they are, bit for bit. */
const runningMean = (mean: Tensors, added: Tensors, k: number): Tensors =>
  addTensors(
    mean,
    mapTensors(added, (grad, name) => tf.div(tf.sub(grad, mean[name]!), k)),
  );
