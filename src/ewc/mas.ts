import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Batch, Model, Output, Tensors, Term } from '../core/types';
import type { Batches } from '../data/types';
import { keeping } from './keeping';
import { meanOverExamples } from './meanOverExamples';
import type { FisherOptions } from './measuredFisher';
import { absoluteGradients } from './perExample';
import { anchoredAt, blended, exceptHeads, springs } from './springs';

export interface MasOptions {
  /** Strength of the penalty, ≥ 0. */
  readonly lambda: number;
  /** Share of the older importance when the next task is mixed in, 0 to 1. Default 0.5. */
  readonly alpha?: number;
  /** Which weights are held. Default all trainable ones except heads (`classifier.…`): a head belongs to its own task. */
  readonly weights?: (name: string) => boolean;
}

/** Labels are not read. Classes are: outputs that take no part do not count. */
export type MasBatch = Batch & { readonly classes?: tf.Tensor2D };

/** A recipe of batches (opened, read and disposed here), or batches that exist already (they stay the caller's). */
export type MasData = Batches<MasBatch> | Iterable<MasBatch> | AsyncIterable<MasBatch>;

export interface MasMeasured {
  /** Number of examples that the mean is over. */
  readonly examples: number;
  /** Sum over all entries of this task's importance. */
  readonly total: number;
  readonly largest: number;
}

export interface Mas extends Term {
  /** Call when a task is learned, with texts like those that will be asked. If it fails, the penalty stays as it was. */
  consolidate(model: Model, data: MasData, options?: Omit<FisherOptions, 'weights'>): Promise<MasMeasured>;
  /** `importance.NAME` and `anchor.NAME` for every held weight; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: Tensors): void;
  dispose(): void;
}

/**
 * Memory aware synapses: holds the weights that the outputs react to, measured on texts without labels.
 *
 * `L = λ Σ_i Ω_i (w_i − a_i)²`; at each consolidation `a ← w`, and `Ω ← α Ω + (1 − α) Ω_task` (the first task: `Ω_task`), with
 * `Ω_task = 1/N Σ_b |∂ ‖f(x_b)‖² / ∂w|`, f the logits [C] of the classes that take part.
 *
 * **Needs** one call of `consolidate` after each task; before the first one it is 0. Batches made with `head` count that head's
 * outputs only, batches without count all heads.
 * **Cost** per step four passes over the held weights; memory twice the held weights for any number of tasks. Consolidating costs one
 * `absoluteGradients` per batch.
 * **Limits** λ = 0 is training without it; α = 0 takes the last task's importance only.
 * **Differs from** Avalanche: there the norm is not squared, the absolute value is of a batch's mean gradient (so opposite signs cancel), the first task
 * counts 1 − α, and the penalty has a ½.
 * **See also** `ewc` (needs labels, or draws them), `si` (needs no data).
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or not finite, or `alpha` not from 0 to 1; when evaluated, if a held
 *   weight is missing or has another shape; from `consolidate` also `bad-data`, `not-finite`, `aborted`; `disposed`
 * @see Aljundi et al., Memory Aware Synapses: Learning what (not) to forget, ECCV 2018, arXiv:1711.09601, sections 4.1 and 4.2
 * @example
 * const guard = mas({ lambda: 1 });
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 * await guard.consolidate(model, batches(first.slice(0, 200), { head }));
 */
export function mas({ lambda, alpha = 0.5, weights: held = exceptHeads }: MasOptions): Mas {
  requireNumber('mas', 'lambda', lambda);
  requireNumber('mas', 'alpha', alpha, 0, 1);
  const { now, replace, requireOpen, saved } = keeping('mas', ['importance', 'anchor']);

  const penalty: Term = (pass) => {
    requireOpen();
    return springs('mas', 2 * lambda, pass, now().importance, now().anchor);
  };

  return Object.assign(penalty, {
    ...saved,
    async consolidate(model: Model, data: MasData, options: Omit<FisherOptions, 'weights'> = {}) {
      requireOpen();
      const { mean, ...measured } = await meanOverExamples('mas', model, data, options, async (batch: MasBatch, taken) => [
        () => absoluteGradients((output) => lengthOf(output, batch, taken), model, batch, { wanted: held }),
      ]);
      try {
        requireOpen();
        tf.tidy(() => {
          const importance = blended(now().importance, alpha, mean, 1 - alpha);
          replace({ importance, anchor: anchoredAt('mas', model.weights, importance) });
        });
      } finally {
        tf.dispose(mean);
      }
      return measured;
    },
  });
}

/** Σ ‖f(x_b)‖² over the first `taken` rows. */
function lengthOf({ logits }: Output, { classes }: MasBatch, taken: number): tf.Scalar {
  const open = tf.slice(classes ? logits.mul(classes) : logits, [0, 0], [taken, -1]);
  return tf.sum<tf.Scalar>(tf.square(open));
}
