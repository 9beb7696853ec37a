import * as tf from '@tensorflow/tfjs';
import type { GradientTransform } from '../core/types';
import type { Rehearsal } from '../data/types';
import { rehearsedGradient } from './rehearsedGradient';

/** The transform for `fit`, and the rehearsal for the batches that it is fitted on. */
export type Agem = GradientTransform & Rehearsal;

/**
 * Averaged gradient episodic memory: where a step on the new rows would raise the loss of the remembered ones, that part is taken out.
 *
 * `g ← g − min(0, g·r) / (r·r) r`, with g the gradient of the batch's new rows and r that of its remembered rows, each the mean of its own
 * rows, over all trainable weights. The remembered rows are not learned from, they only forbid.
 *
 * **Needs** the guard in both places: `rehearse` of the batches and `transforms` of `fit`.
 * **Cost** two evaluations, together over as many rows as `replay` has, and three passes over the gradients; one more gradient in memory.
 * **Limits** without a conflict, and with an empty memory, it is the gradient of the new rows. The loss is theirs. Reports `agem`: how much of r
 * was added, 0 without a conflict. With accumulation each batch is freed of its own conflict.
 * **Differs from the paper** in nothing. What the objective adds beside the rows (`ewc`) is part of g, once, and of r: raising the penalty counts
 * as forgetting too. With dropout, g and r each draw their own.
 * **See also** `replay` (learns from the remembered rows), `gem` (one condition for each task).
 *
 * @param rehearsal where the remembered rows come from, such as `replay(…).draw(64)`
 * @throws HoldfastError `bad-argument` when evaluated, if the batches rehearse something else, or if a batch cannot be split into rows (`maskTokens`)
 * @see Chaudhry et al., Efficient Lifelong Learning with A-GEM, ICLR 2019, arXiv:1812.00420, eq. 11
 * @see https://github.com/facebookresearch/agem (the authors' code)
 * @example
 * const memory = replay({ perLabel: 10, seed: 1 });
 * memory.remember(first, { head });
 * const guard = agem(memory.draw(64));
 * const data = batches(second, { head, rehearse: guard });
 * await fit(model, { objective: crossEntropy(), data, transforms: [guard], optimizer, epochs: 2, seed: 1 });
 */
export const agem = (rehearsal: Rehearsal): Agem =>
  rehearsedGradient(
    'agem',
    rehearsal,
    () => 'agem',
    (gram, products) => agemFactor(products, gram.reshape([1])),
  );

/** How much of r to add to g, from g·r and r·r: `−g·r / r·r` where g·r < 0, else 0; also 0 where r is. */
export const agemFactor = <T extends tf.Tensor>(product: T, squaredNorm: T): T =>
  tf.where(product.less(0), tf.divNoNan(product.neg(), squaredNorm), 0);
