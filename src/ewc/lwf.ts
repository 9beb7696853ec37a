import * as tf from '@tensorflow/tfjs';
import { badArgument, requireNumber, requirePositive } from '../core/errors';
import { stopGradient } from '../core/stopGradient';
import type { Pass, Tensors, Term } from '../core/types';
import { klDivergence } from '../losses/klDivergence';
import type { Head, TextModel } from '../model/types';
import { headNames } from '../model/weightPlan';
import { keeping } from './keeping';
import { anchoredAt, heldWeight } from './springs';

/** The divergence per row of logits p, q [B, C] → [B]; each of `heads` [1, C] is 1 in the columns of one old head. */
export type HeadDivergence = (p: tf.Tensor2D, q: tf.Tensor2D, heads: readonly tf.Tensor2D[]) => tf.Tensor1D;

export interface LwfOptions {
  /** Strength, ≥ 0. Default 1. */
  readonly lambda?: number;
  /** Divides the logits of both sides, > 0: the higher, the more the unlikely classes count. Default 2. */
  readonly temperature?: number;
  /** Default `klPerHead`. Where one must choose among the classes of all heads: `klAcrossHeads`. */
  readonly divergence?: HeadDivergence;
  /** Whether `consolidate` takes the old heads out of `model.trainable`. Default true. */
  readonly frozenHeads?: boolean;
}

/** What `consolidate` needs of a model; the last only to freeze heads. */
export type LwfModel = Pick<TextModel, 'weights' | 'trainable' | 'heads' | 'head' | 'classCount'> & {
  setTrainable?(names: readonly string[]): void;
};

export interface Lwf extends Term {
  /** Call when a task is learned: the teacher is the model as it is now, for the heads given. Default all heads that exist. */
  consolidate(model: LwfModel, options?: { readonly heads?: readonly Head[] }): void;
  /** `teacher.NAME` for every weight and `columns.HEAD` for every old head; the tensors stay the penalty's. */
  state(): Tensors;
  /** Takes a copy of a saved state in place of its own, and freezes its old heads and no others. */
  restore(state: Tensors, model: LwfModel): void;
  dispose(): void;
}

/**
 * Learning without forgetting: on the texts of the new task, the old heads must go on saying what they said before it.
 *
 * `L = λ mean_b Σ_h KL(softmax(t_bh / T) ‖ softmax(z_bh / T))` over the heads h that existed at the last `consolidate`, with z_bh their
 * logits now, [C_h], and t_bh those of a copy of the weights from then. The mean is over all rows, rehearsed ones too.
 *
 * The old heads are frozen: nothing moves them, neither another term nor weight decay, only the encoder keeps their answers.
 * `model.setTrainable` frees them.
 *
 * **Needs** one call of `consolidate` after each task, before the next head is added (else name the old ones); before the first one it
 * is 0. No old texts.
 * **Cost** one more evaluation of the network, without a gradient; memory once the weights, for any number of tasks.
 * **Limits** λ = 0 is training without it, and freezes nothing. At the teacher itself it is 0. It keeps little where the new texts are
 * unlike the old ones.
 * **Differs from the paper** in freezing the old heads (trainable ones forgot more than training without any penalty where we measured
 * it), in asking the teacher at each step instead of once, so that it sees the same padding and attack, and in leaving out the
 * constant that its cross entropy has besides. There is no factor T²: it is part of λ, as in the paper and Avalanche.
 * **See also** `ewc` (holds weights, not answers), `derpp` (old texts with their logits).
 *
 * @throws HoldfastError `bad-argument` if `lambda` is negative or not finite, or `temperature` is not above 0; from `consolidate`
 *   without a head; when evaluated, if a weight of the teacher is missing or has another shape; `not-found`; `disposed`
 * @see Li and Hoiem, Learning without Forgetting, ECCV 2016, arXiv:1606.09282, eqs. 2 and 3
 * @example
 * const guard = lwf({ lambda: 1 });
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(first, { head }), optimizer, epochs: 2, seed: 1 });
 * guard.consolidate(model);
 * const next = model.addHead('shipping', labels);
 * await fit(model, { objective: sum(crossEntropy(), guard), data: batches(second, { head: next }), optimizer, epochs: 2, seed: 1 });
 */
export function lwf({ lambda = 1, temperature = 2, divergence = klPerHead, frozenHeads = true }: LwfOptions = {}): Lwf {
  requireNumber('lwf', 'lambda', lambda);
  requirePositive('lwf', 'temperature', temperature);
  const { now, replace, requireOpen, saved } = keeping('lwf', ['teacher', 'columns'], []);
  let frozen: readonly string[] = [];

  const lost = ({ batch, model, weights, output }: Pass, teacher: Tensors, heads: readonly tf.Tensor2D[]): tf.Scalar => {
    for (const [name, tensor] of Object.entries(teacher)) heldWeight('lwf', weights, name, tensor);
    const C = heads[0]!.shape[1];
    const softened = (logits: tf.Tensor2D): tf.Tensor2D => tf.slice(logits, [0, 0], [-1, C]).div(temperature);
    const student = softened(output.logits); // [B, C]
    // Heads that are newer than the teacher have columns of their own, which are cut off.
    const known = stopGradient(() => softened(model.forward(batch.inputs, { weights: { ...weights, ...teacher } }).logits));
    return divergence(known, student, heads).mean<tf.Scalar>().mul(lambda);
  };

  const penalty: Term = (pass) => {
    requireOpen();
    const heads = Object.values(now().columns) as tf.Tensor2D[];
    const value = lambda === 0 || heads.length === 0 ? tf.scalar(0) : lost(pass, now().teacher, heads);
    pass.report('lwf', value);
    return value;
  };

  const freezes = frozenHeads && lambda > 0;
  const requireFreezable = ({ setTrainable }: LwfModel): void => {
    if (freezes && !setTrainable)
      throw badArgument('lwf', 'the model has no setTrainable, so its heads cannot be frozen: set frozenHeads to false.');
  };
  /** Those of an earlier call that are no old heads any more are freed. */
  const freeze = (model: LwfModel, heads: readonly Head[]): void => {
    if (!freezes) return;
    const old = new Set(heads.map(({ name }) => headNames(name)).flatMap(({ weight, bias }) => [weight, bias]));
    const usable = new Set([...model.trainable, ...frozen]);
    frozen = [...old].filter((name) => usable.has(name));
    model.setTrainable!(Object.keys(model.weights).filter((name) => usable.has(name) && !old.has(name)));
  };

  return Object.assign(penalty, {
    ...saved,
    consolidate(model: LwfModel, { heads = model.heads }: { readonly heads?: readonly Head[] } = {}) {
      requireOpen();
      if (heads.length === 0)
        throw badArgument('lwf', 'there is no head whose answers could be kept: add one and train it, then consolidate.');
      requireFreezable(model);
      const old = heads.map(({ name }) => model.head(name));
      tf.tidy(() => {
        const columns = Object.fromEntries(old.map((head) => [head.name, columnsOf(head, model.classCount)]));
        replace({ teacher: anchoredAt('lwf', model.weights, model.weights), columns });
      });
      freeze(model, old);
    },
    restore(state: Tensors, model: LwfModel) {
      requireFreezable(model);
      const names = Object.keys(state);
      const old = names.flatMap((key) => (key.startsWith('columns.') ? [model.head(key.slice('columns.'.length))] : []));
      if (names.length > 0 && (old.length === 0 || old.length === names.length))
        throw badArgument('lwf', "the state lacks 'teacher.…' or 'columns.…': it is not one that lwf saved.");
      saved.restore(state);
      freeze(model, old);
    },
  });
}

/** [1, C]: 1 in the head's columns. */
function columnsOf({ offset, labels }: Head, C: number): tf.Tensor2D {
  return tf.tensor2d(new Float32Array(C).fill(1, offset, offset + labels.length), [1, C]);
}

/** One distribution per head, the divergences added: for where it is known which head a text belongs to. See `HeadDivergence`. */
export const klPerHead: HeadDivergence = (p, q, heads) => tf.addN(heads.map((head) => klDivergence(p, q, head)));

/** One distribution over the classes of all old heads: for where a text may belong to any. See `HeadDivergence`. */
export const klAcrossHeads: HeadDivergence = (p, q, heads) => klDivergence(p, q, tf.addN([...heads]));
