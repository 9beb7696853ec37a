import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Model, Term } from '../core/types';
import type { Ewc, EwcOptions } from './ewc';
import { empiricalFisher } from './fisher';
import { keeping } from './keeping';
import type { FisherData, FisherOptions } from './measuredFisher';
import { anchoredAt, blended, exceptHeads, springs } from './springs';

export interface OnlineEwcOptions extends EwcOptions {
  /** Share of the older tasks' Fisher that stays when the next task is consolidated, 0 to 1. */
  readonly gamma: number;
}

/**
 * Online elastic weight consolidation: one spring per weight, anchored where the last task left it; older tasks fade.
 *
 * `L = λ/2 Σ_i F_i (w_i − a_i)²`, at each consolidation `F ← γ F + F_task` and `a ← w`.
 *
 * **Needs** one call of `consolidate` after each task. Before the first one it is 0.
 * **Cost** that of `ewc`: four passes over the held weights per step, memory twice the held weights for any number of tasks.
 * **Limits** λ = 0 is training without it; γ = 0 remembers the last task only; with one task it is `ewc`.
 * **Differs from the paper** in the constant: there the penalty has one more factor γ, which is part of λ here.
 * **See also** `ewc`, which keeps every task at full weight and anchors at their Fisher-weighted mean.
 *
 * The state is `fisher.NAME` and `anchor.NAME`.
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or not finite, or `gamma` not from 0 to 1; when evaluated, if a held
 *   weight is missing or has another shape; `disposed`
 * @see Schwarz et al., Progress and Compress, ICML 2018, arXiv:1805.06370, section 3
 * @example
 * const guard = onlineEwc({ lambda: 1e4, gamma: 0.9 });
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 * await guard.consolidate(model, batches(first.slice(0, 200), { head }));
 */
export function onlineEwc({
  lambda,
  gamma,
  weights: held = exceptHeads,
  fisher: measure = empiricalFisher,
}: OnlineEwcOptions): Ewc {
  requireNumber('onlineEwc', 'lambda', lambda);
  requireNumber('onlineEwc', 'gamma', gamma, 0, 1);
  const { now, replace, requireOpen, saved } = keeping('onlineEwc', ['fisher', 'anchor']);

  const penalty: Term = (pass) => {
    requireOpen();
    return springs('onlineEwc', lambda, pass, now().fisher, now().anchor);
  };

  return Object.assign(penalty, {
    ...saved,
    async consolidate(model: Model, data: FisherData, options: Omit<FisherOptions, 'weights'> = {}) {
      requireOpen();
      const { diagonal, ...measured } = await measure(model, data, { ...options, weights: held });
      try {
        requireOpen();
        tf.tidy(() => {
          const fisher = blended(now().fisher, gamma, diagonal, 1);
          replace({ fisher, anchor: anchoredAt('onlineEwc', model.weights, fisher) });
        });
      } finally {
        tf.dispose(diagonal);
      }
      return measured;
    },
  });
}
