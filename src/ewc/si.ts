import * as tf from '@tensorflow/tfjs';
import { badArgument, requireNumber, requirePositive } from '../core/errors';
import { addTensors, mapTensors } from '../core/tensors';
import type { Model, Tensors, Term, Updater } from '../core/types';
import { keeping } from './keeping';
import { anchoredAt, exceptHeads, springs } from './springs';
import { watched, watchedStep } from './watched';

export interface SiOptions {
  /** Strength of the penalty, ≥ 0; the paper's c. */
  readonly lambda: number;
  /** Keeps the importance of weights that hardly moved finite, > 0. Default 0.1. */
  readonly xi?: number;
  /** Which weights are held. Default all trainable ones except heads (`classifier.…`): a head belongs to its own task. */
  readonly weights?: (name: string) => boolean;
}

export interface Si extends Term {
  /** The same optimizer, watched: how much each weight's way lowers the loss is added up. Its state carries the penalty's. */
  tracked(optimizer: Updater): Updater;
  /** Call when a task is learned: turns what was gathered into importance and holds the weights where they are now. */
  consolidate(model: Model): void;
  /** `anchor.NAME` for every weight seen, with `importance.NAME` after a task and `path.NAME` within one; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: Tensors): void;
  dispose(): void;
}

/**
 * Synaptic intelligence: holds the weights whose way through a task lowered its loss most, gathered while training; no pass over data.
 *
 * `L = λ Σ_i Ω_i (w_i − a_i)²`. Each step adds `−g Δw` to a weight's path ω, with g the gradient without this penalty's share.
 * At each consolidation `Ω ← max(0, Ω + ω / ((w − a)² + ξ))`, `a ← w`, `ω ← 0`; a starts at the weights before the first step.
 *
 * **Needs** `tracked` around the optimizer of every task (outermost, so that g is the gradient itself and not a clipped one), the
 * term in the objective once, and one call of `consolidate` after each task. Before the first one it is 0.
 * **Cost** per step four passes over the held weights for the penalty and five for the path; memory twice the held weights, three times within a task.
 * **Limits** λ = 0 is training without it; a large ξ makes Ω proportional to ω.
 * **Differs from the paper** in the max, which its authors' code has too: without it a negative sum would push the weight away for ever.
 * Avalanche differs: it clips Ω to at most 1e-3, has a ½ and ξ = 1e-7, and its g contains the penalty's gradient.
 * **See also** `ewc` and `mas`, which measure on data after the task and leave the optimizer alone.
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or `xi` is not above 0; from `consolidate` if no step was tracked; when evaluated and
 *   at a step, if a held weight is missing or has another shape; `disposed`
 * @see Zenke et al., Continual Learning Through Synaptic Intelligence, ICML 2017, arXiv:1703.04200, eqs. 3 to 5
 * @see https://github.com/ganguli-lab/pathint (the authors' code)
 * @example
 * const guard = si({ lambda: 1 });
 * const watched = guard.tracked(adamW({ learningRate: 3e-4 }));
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer: watched, epochs: 2, seed: 1 });
 * guard.consolidate(model);
 */
export function si({ lambda, xi = 0.1, weights: held = exceptHeads }: SiOptions): Si {
  requireNumber('si', 'lambda', lambda);
  requirePositive('si', 'xi', xi); // A weight that did not move divides by it.
  const strength = 2 * lambda;
  const { now, replace, requireOpen, requireSaved, saved } = keeping('si', ['importance', 'path', 'anchor'], ['anchor']);

  const penalty: Term = (pass) => {
    requireOpen();
    return springs('si', strength, pass, now().importance, now().anchor);
  };

  const tracked = (optimizer: Updater): Updater =>
    watched('si', optimizer, {
      ...saved,
      requireSaved,
      apply(...step) {
        requireOpen();
        const { importance, path, anchor } = now();
        const { from, lowered } = watchedStep(optimizer, step, { owner: 'si', held, strength, importance, anchor, from: anchor });
        replace({ importance, path: addTensors(lowered, path), anchor: { ...anchor, ...from } });
      },
    });

  return Object.assign(penalty, {
    ...saved,
    tracked,
    consolidate(model: Model) {
      requireOpen();
      const { importance, path, anchor } = now();
      if (Object.keys(path).length === 0)
        throw badArgument('si', 'no step of this task was tracked: train with `optimizer: guard.tracked(…)`, then consolidate.');
      tf.tidy(() => {
        const reached = anchoredAt('si', model.weights, anchor);
        const earned = mapTensors(path, (gain, name) => {
          const task = gain.div(tf.square(reached[name]!.sub(anchor[name]!)).add(xi));
          return tf.relu(importance[name] ? importance[name].add(task) : task);
        });
        replace({ importance: { ...importance, ...earned }, path: {}, anchor: reached });
      });
    },
  });
}
