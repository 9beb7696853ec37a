import * as tf from '@tensorflow/tfjs';
import { requireNumber } from '../core/errors';
import { mapTensors } from '../core/tensors';
import type { Model, Tensors, Term } from '../core/types';
import { empiricalFisher } from './fisher';
import { keeping, type Kept } from './keeping';
import type { Fisher, FisherData, FisherOptions } from './measuredFisher';
import { exceptHeads, springs } from './springs';

export interface EwcOptions {
  /** Strength of the penalty, ≥ 0. With our Fisher (a mean over examples) 1e4 to 1e5 keeps a small encoder, 1e6 is too rigid; with `normalised` 0.1 to 10. */
  readonly lambda: number;
  /** Which weights are held. Default all trainable ones except heads (`classifier.…`): a head belongs to its own task. */
  readonly weights?: (name: string) => boolean;
  /** How the Fisher is measured. Default `empiricalFisher`; `normalised()` makes the scale of λ the same for every model. */
  readonly fisher?: (model: Model, data: FisherData, options: FisherOptions) => Promise<Fisher>;
}

export interface Ewc extends Term {
  /**
   * Call when a task is learned: holds the weights where they are now, each as firmly as this task's data needs it.
   * If it fails, the penalty stays as it was. The sum and the largest entry that it gives say which λ has an effect.
   */
  consolidate(model: Model, data: FisherData, options?: Omit<FisherOptions, 'weights'>): Promise<Omit<Fisher, 'diagonal'>>;
  /** `fisher.NAME` and `mean.NAME` for every held weight; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: Tensors): void;
  dispose(): void;
}

/**
 * Elastic weight consolidation: weights that earlier tasks depend on are held by springs, the others stay free.
 *
 * `L = λ/2 Σ_t Σ_i F_t,i (w_i − w_t,i)²` over the tasks t consolidated so far, up to a constant: all anchors are kept as one quadratic,
 * `F = Σ F_t` and the F-weighted mean of the w_t, which has the same gradient.
 *
 * **Needs** one call of `consolidate` after each task. Before the first one it is 0.
 * **Cost** per step four passes over the held weights, no evaluation of the network; memory twice the held weights, whatever the number of tasks.
 * The gradient of the word embeddings becomes dense.
 * **Limits** λ = 0 is training without it. It helps where the task of an example is known; where one must tell all classes seen apart,
 * no penalty on weights helps: use `replay`; `advised` notices.
 * **Differs from the paper** in the constant (see above): the reported value is the distance from the common anchor. Avalanche has no ½.
 * **See also** `replay` (keeps examples instead of weights).
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or not finite; when evaluated, if a held weight is missing or has another shape;
 *   `disposed`
 * @see Kirkpatrick et al., Overcoming catastrophic forgetting in neural networks, PNAS 2017, arXiv:1612.00796, eq. 3
 * @see Huszár, Note on the quadratic penalties in elastic weight consolidation, PNAS 2018, arXiv:1712.03847
 * @example
 * const guard = ewc({ lambda: 1e4 });
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 * await guard.consolidate(model, batches(first.slice(0, 200), { head }));
 */
export function ewc({ lambda, weights: held = exceptHeads, fisher: measure = empiricalFisher }: EwcOptions): Ewc {
  requireNumber('ewc', 'lambda', lambda);
  const { now, replace, requireOpen, saved } = keeping('ewc', ['fisher', 'mean']);

  const penalty: Term = (pass) => {
    requireOpen();
    return springs('ewc', lambda, pass, now().fisher, now().mean);
  };

  return Object.assign(penalty, {
    ...saved,
    async consolidate(model: Model, data: FisherData, options: Omit<FisherOptions, 'weights'> = {}) {
      requireOpen();
      const { diagonal, ...measured } = await measure(model, data, { ...options, weights: held });
      try {
        requireOpen();
        tf.tidy(() => replace(joined(now(), diagonal, model.weights)));
      } finally {
        tf.dispose(diagonal);
      }
      return measured;
    },
  });
}

/**
 * `F (w − m)² + f (w − v)² = (F + f)(w − m′)² + const` with `m′ = m + (v − m) f / (F + f)`. Weights that this task did not
 * touch keep theirs. Weights are replaced, never written into, so clones are enough: they cost no memory until the next step.
 */
function joined(old: Kept<'fisher' | 'mean'>, added: Tensors, weights: Tensors): Kept<'fisher' | 'mean'> {
  const fisher = {
    ...mapTensors(old.fisher, tf.clone),
    ...mapTensors(added, (f, name) => (old.fisher[name] ? tf.add(old.fisher[name], f) : tf.clone(f))),
  };
  const mean = mapTensors(fisher, (all, name) => {
    const [from, f] = [old.mean[name], added[name]];
    if (!f) return tf.clone(from!);
    return from ? tf.add(from, tf.sub(weights[name]!, from).mul(tf.divNoNan(f, all))) : tf.clone<tf.Tensor>(weights[name]!);
  });
  return { fisher, mean };
}
