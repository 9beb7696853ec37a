import { sum, weighted } from '../core/objective';
import { requireNumber } from '../core/errors';
import type { Term } from '../core/types';
import type { Cloze } from './cloze';
import { clozeCrossEntropy, type ClozeCrossEntropyOptions } from './clozeCrossEntropy';
import { maskedLm } from './maskedLm';
import type { Masked } from './maskTokens';

export interface PetOptions extends ClozeCrossEntropyOptions {
  /** Share of masked language modelling in the loss, 0 to 1. Default 1e-4: its loss is much larger, and is there to keep the language. */
  readonly alpha?: number;
}

/**
 * Pattern-exploiting training: few labels are learnt as cloze questions, while masked language modelling keeps the model from
 * forgetting its language.
 *
 * `L = (1 − α) · clozeCrossEntropy + α · maskedLm`.
 *
 * **Needs** cloze questions with a masked view: `besideMasked(cloze(…), maskTokens(batches(unlabelled)))`, or `maskTokens(cloze(…))`
 * where there is no unlabelled text; a model with a masked-language head.
 * **Cost** two evaluations of the network: one on the questions, one on the masked view.
 * **Limits** α = 0 is `clozeCrossEntropy` in value, at the cost of both. The sum without shares is
 * `sum(clozeCrossEntropy(), weighted(alpha, maskedLm()))`: for α = 1e-4 the same but for a factor of 0.9999.
 * **Differs from PET's code** in nothing but its default, where masked language modelling is off. Of the method this is the training of
 * one pattern; `ensemble` joins several, `softLabels` and `labelDistillation` hand on what they know.
 * **See also** `clozeCrossEntropy`, `maskedLm`, `nextGeneration` (iPET).
 *
 * @throws HoldfastError `bad-argument` if `alpha` is not from 0 to 1; when evaluated, `not-found` without a masked-language head
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.2
 * @see https://github.com/timoschick/pet
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const data = besideMasked(cloze(train, task), maskTokens(batches(examples)));
 * await fit(model, { objective: pet({ alpha: 1e-4 }), data, optimizer, seed: 1 });
 */
export function pet({ alpha = 1e-4, ...cloze }: PetOptions = {}): Term<Cloze & Masked> {
  requireNumber('pet', 'alpha', alpha, 0, 1);
  return sum(weighted(1 - alpha, clozeCrossEntropy(cloze)), weighted(alpha, maskedLm()));
}
