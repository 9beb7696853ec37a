import * as tf from '@tensorflow/tfjs';
import { stopGradient } from '../core/stopGradient';
import type { Batch, Encoded, ForwardOptions, Labeled, Output, Term } from '../core/types';
import { detachedKl, klDivergence, type Divergence } from '../losses/klDivergence';
import { meanOf } from '../losses/meanOf';

export { detachedKl, wholeKl, type Divergence } from '../losses/klDivergence';

/** A batch whose texts each have a second form with words of other languages. Labels are not needed. */
export interface CodeSwitched extends Batch, Pick<Partial<Labeled>, 'classes' | 'shares'> {
  readonly codeSwitched: Encoded;
}

/** What an example's divergence [B] counts, given how many classes took part in it ([B], or one number for all). */
export type DivergenceReduction = (divergence: tf.Tensor1D, classCount: tf.Tensor1D | number) => tf.Tensor1D;

export interface ConsistencyOptions {
  /** `detachedKl` or `wholeKl`. Default `detachedKl`. */
  readonly divergence?: Divergence;
  /** `batchMean` or `classMean`. Default `batchMean`. */
  readonly reduction?: DivergenceReduction;
}

/** The mean over the examples. */
export const batchMean: DivergenceReduction = (divergence) => divergence;

/** The mean over examples and classes: PyTorch's 'mean', which the authors' code uses for classification. */
export const classMean: DivergenceReduction = (divergence, classCount) => tf.div(divergence, classCount);

/**
 * xTune's first regulariser (R1): the model must say the same of a text and of its code-switched form.
 *
 * `L = mean_b [ KL(sg(p_b) ‖ q_b) + KL(sg(q_b) ‖ p_b) ]` with `p`, `q` [B, C] what it says of the text and of the view `codeSwitched`.
 *
 * **Needs** the view of `codeSwitch`. Its weight λ stands outside, `weighted(5, consistency())`; cross entropy is on the text alone.
 * **Cost** one more evaluation of the network.
 * **Limits** 0, its gradient too, where both say the same. Classes that `batch.classes` closes take no part.
 * **Differs from the authors' code** in the mean over the batch: theirs is also over the classes, which is `reduction: classMean`. Their λ = 5
 * goes with that.
 * **See also** `teacherConsistency` (R2), `pooledConsistency` (vectors instead of answers), `rDrop`.
 *
 * @see Zheng et al., Consistency Regularization for Cross-Lingual Fine-Tuning, ACL 2021, arXiv:2106.08226, section 3.1
 * @see https://github.com/bozheng-hit/xTune (the authors' code)
 * @example
 * const switched = codeSwitch({ dictionary: dictionary({ de: [['money', 'Geld']] }), rate: 0.3 });
 * const objective = sum(crossEntropy(), weighted(5, consistency({ reduction: classMean })));
 * await fit(model, { objective, data: batches(switched(train), { head }), optimizer, seed: 1 });
 */
export const consistency =
  ({ divergence = detachedKl, reduction = batchMean }: ConsistencyOptions = {}): Term<CodeSwitched> =>
  ({ batch, output: { logits }, forward }) =>
    reduced(divergence(logits, forward(batch.codeSwitched).logits, batch.classes), logits, batch, reduction);

export interface TeacherConsistencyOptions {
  /** Answers for the same heads, and is not trained: `model.clone()` after the first stage. */
  readonly teacher: { forward(inputs: Encoded, options?: ForwardOptions): Output };
  /** `batchMean` or `classMean`. Default `batchMean`. */
  readonly reduction?: DivergenceReduction;
}

/**
 * xTune's second regulariser (R2): of the code-switched texts the model must say what a teacher says, which was trained without them.
 *
 * `L = mean_b KL(t_b ‖ q_b)` with `t`, `q` [B, C] what teacher and model say of the view `codeSwitched`.
 *
 * **Needs** the view of `codeSwitch`, and a teacher with the same classes. **Cost** two evaluations, one of them without gradient.
 * **Limits** 0 where both agree. Hard labels for the view are not part of it.
 * **See also** `consistency`, which says what the reduction means.
 *
 * @see Zheng et al., Consistency Regularization for Cross-Lingual Fine-Tuning, ACL 2021, arXiv:2106.08226, section 3.1
 * @example
 * const switched = codeSwitch({ dictionary: dictionary({ de: [['money', 'Geld']] }), rate: 0.3 });
 * const teacher = model.clone();
 * const objective = sum(crossEntropy(), weighted(5, teacherConsistency({ teacher })));
 * await fit(model, { objective, data: batches(switched(train), { head }), optimizer, seed: 1 });
 */
export const teacherConsistency =
  ({ teacher, reduction = batchMean }: TeacherConsistencyOptions): Term<CodeSwitched> =>
  ({ batch, forward }) => {
    const known = stopGradient(() => teacher.forward(batch.codeSwitched).logits);
    const { logits } = forward(batch.codeSwitched);
    return reduced(klDivergence(known, logits, batch.classes), logits, batch, reduction);
  };

function reduced(
  divergence: tf.Tensor1D,
  { shape: [, count] }: tf.Tensor2D,
  batch: CodeSwitched,
  reduction: DivergenceReduction,
): tf.Scalar {
  return meanOf(reduction(divergence, batch.classes ? tf.sum<tf.Tensor1D>(batch.classes, 1) : count), batch);
}
