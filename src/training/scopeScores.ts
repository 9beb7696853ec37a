import { bestOf, excess } from './logitRows';

/** How much a text looks like one of the classes: the higher, the more. `name` stands for it in a saved state. */
export interface ScopeScore {
  readonly name: string;
  /** Of one row: the logits of the classes that take part, and the temperature. */
  of(logits: ArrayLike<number>, temperature: number): number;
}

/**
 * The probability of the likeliest class: `max_c softmax(z / T)_c`, from 1 / C to 1.
 *
 * **Limits** it asks which class is the likeliest, not whether any fits: a text far from all of them may still be nearest to one.
 * **See also** `energy`, which does not divide by what the other classes say.
 *
 * @see Hendrycks and Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017, arXiv:1610.02136
 */
export const confidence: ScopeScore = Object.freeze({
  name: 'confidence',
  of: (logits: ArrayLike<number>, temperature: number) => bestOf(logits, temperature).chance,
});

/**
 * How loudly the classes speak together: `T log Σ_c exp(z_c / T)`, the paper's energy with its sign turned, so that higher is in scope.
 *
 * **Limits** T → 0 is the largest logit. Cross entropy leaves the level of a row's logits free, so a change of the weights moves the
 * scale: a threshold holds for the weights that it was found with.
 * **See also** `confidence`.
 *
 * @see Liu et al., Energy-based Out-of-distribution Detection, NeurIPS 2020, arXiv:2010.03759, eq. 4
 */
export const energy: ScopeScore = Object.freeze({
  name: 'energy',
  of(logits: ArrayLike<number>, temperature: number) {
    const most = logits[bestOf(logits).place]!;
    return most + temperature * Math.log(excess(logits, most, temperature));
  },
});
