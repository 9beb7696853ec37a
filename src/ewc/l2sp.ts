import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import type { Model, Tensors, Term } from '../core/types';
import { keeping } from './keeping';
import { anchoredAt, exceptHeads, springs } from './springs';

export interface L2spOptions {
  /** Strength of the penalty, ≥ 0; the paper's α. */
  readonly lambda: number;
  /** Which weights are held. Default all trainable ones except heads (`classifier.…`), which have no starting point worth keeping. */
  readonly weights?: (name: string) => boolean;
}

export interface L2sp extends Term {
  /** Holds the weights where they are now: call it before training to hold the pretrained ones, or after a task to hold that task's. */
  consolidate(model: Model): void;
  /** `anchor.NAME` for every held weight; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: Tensors): void;
  dispose(): void;
}

/**
 * L2-SP: weight decay towards a starting point instead of towards zero, every weight equally strongly.
 *
 * `L = λ/2 Σ_i (w_i − a_i)²`, with a the weights at the last `consolidate`.
 *
 * **Needs** one call of `consolidate`, before training or after each task. No data. Before it the penalty is 0.
 * **Cost** per step four passes over the held weights; memory once the held weights. The gradient of the word embeddings becomes dense.
 * **Limits** λ = 0 is training without it. It is `ewc` with a Fisher of 1.
 * **Differs from the paper** in leaving the new weights alone: there they are drawn to zero with a strength β of their own, which here is
 * the optimizer's `weightDecay`.
 * **See also** `ewc`, `mas` and `si`, which hold weights by how much they matter.
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or not finite; when evaluated, if a held weight is missing or has another
 *   shape; `disposed`
 * @see Li et al., Explicit Inductive Bias for Transfer Learning with Convolutional Networks, ICML 2018, arXiv:1802.01483, eq. 2
 * @example
 * const start = l2sp({ lambda: 0.01 });
 * start.consolidate(model);
 * await fit(model, { objective: sum(crossEntropy(), start), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 */
export function l2sp({ lambda, weights: held = exceptHeads }: L2spOptions): L2sp {
  requireNumber('l2sp', 'lambda', lambda);
  const { now, replace, requireOpen, saved } = keeping('l2sp', ['anchor']);

  const penalty: Term = (pass) => {
    requireOpen();
    const one = tf.scalar(1);
    const importance = Object.fromEntries(Object.keys(now().anchor).map((name) => [name, one]));
    return springs('l2sp', lambda, pass, importance, now().anchor);
  };

  return Object.assign(penalty, {
    ...saved,
    consolidate(model: Model) {
      requireOpen();
      const fresh = Object.fromEntries(model.trainable.filter(held).map((name) => [name, model.weights[name]!]));
      replace({ anchor: anchoredAt('l2sp', model.weights, { ...now().anchor, ...fresh }) });
    },
  });
}
