import * as tf from '@tensorflow/tfjs';
import { embeddingDistillation, named, similarityDistillation, sum, weighted, type Batch, type Pass, type Term } from '../../src';
import { maskedLm, type Masked } from '../../src/prompting';
import type { Taught } from './taught';
import { WIDTH } from './teachers';

/** The weights that map the student's vectors to each teacher's. */
export const projections = { 'projections.e5': WIDTH, 'projections.minilm': WIDTH };

/** Guesses the hidden tokens. */
export const mlm: Term<Masked> = counted(named('maskedLm', maskedLm()), ({ masked }) => masked.inputs.mask);

/** Each text where the teachers put it, and all texts of a batch as far apart as the teachers have them. */
const distillation: Term<Taught> = counted(
  sum(
    named(
      'e5',
      embeddingDistillation(({ e5 }: Taught) => e5, { projection: 'projections.e5' }),
    ),
    named(
      'minilm',
      embeddingDistillation(({ minilm }: Taught) => minilm, { projection: 'projections.minilm' }),
    ),
    // Squared differences of cosines are near 0.05 where the other two are near 0.5.
    weighted(
      10,
      named(
        'similarity',
        similarityDistillation(({ e5, minilm }: Taught) => [e5, minilm]),
      ),
    ),
  ),
  ({ inputs }) => inputs.mask,
);

/** Whichever of the two a batch is made for. */
export const distillationAndMlm: Term<Taught | Masked> = (pass) =>
  'masked' in pass.batch ? mlm(pass as Pass<Masked>) : distillation(pass as Pass<Taught>);

/** Reports how many tokens the batch has. */
function counted<B extends Batch>(term: Term<B>, maskOf: (batch: B) => tf.Tensor2D): Term<B> {
  return (pass) => {
    pass.report('tokens', tf.sum(maskOf(pass.batch)));
    return term(pass);
  };
}
