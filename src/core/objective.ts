import * as tf from '@tensorflow/tfjs';
import { requireNumber } from './errors';
import type { Batch, Needs, Term } from './types';

/**
 * Adds terms. The batch must bring what each of them needs: a missing view is a compile error.
 *
 * @example
 * await fit(model, { objective: sum(crossEntropy(), ewc({ lambda: 1e4 })), data, optimizer });
 */
export const sum =
  <Terms extends readonly Term<never>[]>(...terms: Terms): Term<Needs<Terms>> =>
  (pass) =>
    terms.length === 0 ? tf.scalar(0) : tf.addN(terms.map((term) => term(pass as never)));

/**
 * Multiplies a term by a constant.
 *
 * @throws HoldfastError `bad-argument` if `weight` is not finite
 * @example
 * await fit(model, { objective: sum(crossEntropy(), weighted(0.5, focal())), data, optimizer });
 */
export function weighted<B extends Batch>(weight: number, term: Term<B>): Term<B> {
  requireNumber('weighted', 'weight', weight, -Number.MAX_VALUE);
  return (pass) => term(pass).mul(weight);
}

/**
 * Reports a term's value under a name, so that a term which dominates is seen.
 *
 * @example
 * await fit(model, { objective: sum(crossEntropy(), named('focal', weighted(0.5, focal()))), data, optimizer });
 */
export const named =
  <B extends Batch>(name: string, term: Term<B>): Term<B> =>
  (pass) => {
    const value = term(pass);
    pass.report(name, value);
    return value;
  };
