import * as tf from '@tensorflow/tfjs';
import { meanGradients, shifted } from '../core/attacks';
import { HoldfastError } from '../core/errors';
import type { Batch, Evaluation, GradientFn, Model, Tensors } from '../core/types';
import { cut } from '../engine/cut';

/** An evaluation that knows which way the offset should go to raise the loss. */
export type Probed = Evaluation & { readonly offset: tf.Tensor3D };

/** The gradient with a perturbation added to the word embeddings, on top of the offset that is there. */
export function probe<B extends Batch>(
  owner: string,
  next: GradientFn<B>,
  model: Model,
  batch: B,
  weights: Tensors,
  perturbation?: tf.Tensor3D,
): Probed {
  const there = shifted(batch, model, perturbation);
  // The offset becomes an input of the evaluation's graph, so that all of them are the same graph.
  cut();
  const evaluation = next(there, weights);
  if (evaluation.offset) return { ...evaluation, offset: evaluation.offset };
  throw new HoldfastError(
    'offset-ignored',
    `${owner}: the evaluation inside it gave no gradient by inputs.offset, so it does not know where to attack: a transform must hand on the offset of what it calls.`,
  );
}

/** Frees an evaluation of which only a perturbation was wanted. */
export const discard = ({ loss, grads, reports, offset }: Evaluation): void =>
  tf.dispose([loss, ...Object.values(grads), ...Object.values(reports), ...(offset ? [offset] : [])]);

/** `meanGradients`, which gives both of them up: what is left is the clean loss, its reports and the mean. */
export function mean(clean: Probed, attacked: Probed): Evaluation {
  const grads = tf.tidy(() => ({ ...meanGradients(clean, attacked).grads }));
  cut();
  discard(attacked);
  tf.dispose(Object.values(clean.grads));
  return { ...clean, grads };
}
