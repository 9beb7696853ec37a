import * as tf from '@tensorflow/tfjs';
import { badArgument, requireCount, requireNumber, requirePositive } from '../core/errors';
import { unprefixed } from '../core/prefixed';
import { denseGradients } from '../core/rows';
import { addTensors, mapTensors } from '../core/tensors';
import type { Model, Tensors, Term, Updater } from '../core/types';
import { keeping } from './keeping';
import { scored, importanceOf } from './rwalkScores';
import { anchoredAt, blended, exceptHeads, springs } from './springs';
import { watched, watchedStep } from './watched';

export interface RwalkOptions {
  /** Strength of the penalty, ≥ 0. Default 0.1. */
  readonly lambda?: number;
  /** What the newest step's Fisher counts in the running one, 0 to 1. Default 0.9. */
  readonly alpha?: number;
  /** Steps between two scores, ≥ 1; a task needs at least as many. Default 10. */
  readonly deltaT?: number;
  /** Keeps the score of weights that hardly moved finite, > 0. Default 2⁻²³ ≈ 1.2e-7. */
  readonly epsilon?: number;
  /** Which weights are held. Default all trainable ones except heads (`classifier.…`): a head belongs to its own task. */
  readonly weights?: (name: string) => boolean;
}

export interface Rwalk extends Term {
  /** The same optimizer, watched: Fisher and scores are gathered as it steps. Its state carries the penalty's. */
  tracked(optimizer: Updater): Updater;
  /** Call when a task is learned: turns what was gathered into importance and holds the weights where they are now. */
  consolidate(model: Model): void;
  /** `KIND.NAME` for every weight seen, and `steps` of the task under way; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: Tensors): Promise<void>;
  dispose(): void;
}

const KINDS = ['fisher', 'from', 'path', 'gain', 'score', 'importance', 'anchor'] as const;

/**
 * Riemannian walk: holds the weights that the loss is sensitive to (a running Fisher, EWC++) and those whose way lowered it most for how
 * little the model's answers changed. Both are gathered while training; no pass over data.
 *
 * `L = λ Σ_i (F_i / max F + s_i / max s) (w_i − a_i)²`. Each step: `F ← α g² + (1 − α) F` (at first g²) and `ΔL ← ΔL − g Δw`, with g the gradient
 * without this penalty's share. Every `deltaT` steps, over which w moved by d: `s_task ← s_task + max(0, ΔL / (½ F d² + ε))`, `ΔL ← 0`.
 * At each consolidation `s ← ½ (s + s_task)` (at first s_task), `a ← w`, and the importance is taken; F goes on from task to task.
 *
 * **Needs** `tracked` around the optimizer of every task (outermost, so that g is the gradient itself and not a clipped one), the
 * term in the objective once, and one call of `consolidate` after each task. Before the first one it is 0.
 * **Cost** per step four passes over the held weights for the penalty and nine for what is gathered; memory up to seven times the held weights.
 * **Limits** λ = 0 is training without it. Steps after a task's last full `deltaT` have no score; F has them.
 * **Differs from the paper** in nothing that changes the result but this: g is the batch's mean gradient as it trains, dropout on, so g² is not
 * the mean of the examples' squares; the authors' code does so too, and the maxima take out the scale. Variants: Avalanche takes g in a second
 * evaluation without dropout, and cuts s at 0 after averaging instead of in each interval; the authors' code has no ½, ε = 1e-3, averages g² over
 * each interval, normalises by minimum and maximum, and adds the mean of the scores to the old one.
 * **See also** `si` (the score with the distance in place of the Fisher), `onlineEwc` (a Fisher measured after the task).
 *
 * @throws HoldfastError `bad-argument` if an option is out of range; from `consolidate` if no step was tracked; when evaluated and at a step,
 *   if a held weight is missing or has another shape; `disposed`
 * @see Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, arXiv:1801.10112, eqs. 6 to 8
 * @see https://github.com/facebookresearch/agem (the first author's later code, method `RWALK`)
 * @example
 * const guard = rwalk({ lambda: 0.1 });
 * const watched = guard.tracked(adamW({ learningRate: 3e-4 }));
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer: watched, epochs: 2, seed: 1 });
 * guard.consolidate(model);
 */
export function rwalk({
  lambda = 0.1,
  alpha = 0.9,
  deltaT = 10,
  epsilon = 2 ** -23,
  weights: held = exceptHeads,
}: RwalkOptions = {}): Rwalk {
  requireNumber('rwalk', 'lambda', lambda);
  requireNumber('rwalk', 'alpha', alpha, 0, 1);
  requireCount('rwalk', 'deltaT', deltaT);
  requirePositive('rwalk', 'epsilon', epsilon);
  const strength = 2 * lambda;
  const { now, replace, requireOpen, requireSaved, saved } = keeping('rwalk', KINDS, ['fisher', 'from']);
  /** Of this task. */
  let steps = 0;
  let counted: tf.Scalar | undefined;
  const count = (next: number) => {
    counted?.dispose();
    [steps, counted] = [next, undefined];
  };

  const penalty: Term = (pass) => {
    requireOpen();
    return springs('rwalk', strength, pass, now().importance, now().anchor);
  };

  const state = (): Tensors => {
    if (Object.keys(now().fisher).length === 0) return {};
    return { ...saved.state(), steps: (counted ??= tf.keep(tf.scalar(steps))) };
  };
  const requireWhole = (given: Tensors): void => {
    const known = Object.keys(unprefixed('importance.', given)).map((name) => `anchor.${name}`);
    if (Object.keys(unprefixed('fisher.', given)).length > 0) known.push('steps');
    const lacking = known.find((key) => !given[key]);
    if (lacking) throw badArgument('rwalk', `the state lacks '${lacking}': it is not one that rwalk saved.`);
    requireSaved(given);
  };
  const restore = async (given: Tensors): Promise<void> => {
    requireOpen();
    requireWhole(given);
    const [said = 0] = given['steps'] ? await given['steps'].data() : [];
    saved.restore(given);
    count(said);
  };

  const tracked = (optimizer: Updater): Updater =>
    watched('rwalk', optimizer, {
      state,
      restore,
      requireSaved: requireWhole,
      apply(weights, grads, rows = {}) {
        requireOpen();
        const { fisher, from, path, gain, importance, anchor, score } = now();
        const watching = { owner: 'rwalk', held, strength, importance, anchor, from: steps === 0 ? {} : from };
        const step = watchedStep(optimizer, [weights, grads, rows], watching);
        const squares = denseGradients(mapTensors(step.slopes, tf.square), rows, weights);
        const running = { ...fisher, ...mapTensors(squares, (square, name) => ewma(fisher[name], square, alpha)) };
        const interval = { fisher: running, from: { ...from, ...step.from }, path: addTensors(step.lowered, path), gain };
        const over = (steps + 1) % deltaT === 0;
        replace({ score, importance, anchor, ...(over ? scored(interval, weights, epsilon) : interval) });
        count(steps + 1);
      },
    });

  return Object.assign(penalty, {
    tracked,
    state,
    restore,
    consolidate(model: Model) {
      requireOpen();
      if (steps === 0)
        throw badArgument(
          'rwalk',
          'no step of this task was tracked: train with `optimizer: guard.tracked(…)`, then consolidate.',
        );
      tf.tidy(() => {
        const { fisher, gain, score: old } = now();
        const anchor = anchoredAt('rwalk', model.weights, fisher);
        const score = Object.keys(old).length === 0 ? gain : blended(old, 0.5, gain, 0.5);
        const importance = importanceOf(fisher, score);
        replace({ fisher, from: mapTensors(anchor, tf.clone), path: {}, gain: {}, score, importance, anchor });
      });
      count(0);
    },
    dispose() {
      saved.dispose();
      count(0);
    },
  });
}

const ewma = (old: tf.Tensor | undefined, fresh: tf.Tensor, share: number): tf.Tensor =>
  old ? old.mul(1 - share).add(fresh.mul(share)) : fresh.clone();
