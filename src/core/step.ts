import * as tf from '@tensorflow/tfjs';
import { cut } from '../engine/cut';
import { gradientsOf } from './gradients';
import type { Batch, GradientFn, GradientTransform, Model, Rng, Tensors, Term, Updater } from './types';

export interface StepOptions<B extends Batch> {
  readonly objective: Term<B>;
  /** The first one is the outermost. Default none. */
  readonly transforms?: readonly GradientTransform[];
  readonly optimizer: Updater;
  /** With it dropout is on. */
  readonly rng?: Rng;
}

/**
 * The gradient function that a step calls: the objective's gradient inside its transforms.
 *
 * @example
 * const gradient = evaluationOf(model, { objective: crossEntropy() });
 * const loss = tf.tidy(() => gradient(batch).loss);
 */
export const evaluationOf = <B extends Batch>(
  model: Model,
  { objective, transforms = [], rng }: Omit<StepOptions<B>, 'optimizer'>,
): GradientFn<B> =>
  transforms.reduceRight<GradientFn<B>>((next, transform) => transform(next, model), gradientsOf(objective, model, rng));

/**
 * One training step as a function of a batch. It reads nothing: await the loss to run it. The loss and the reports are the caller's.
 * Nobody looks at the gradient either: one that is not finite reaches the weights.
 *
 * @see `fit`, which does the rest: epochs, accumulation, evaluation, checkpoints
 * @example
 * const step = createStep(model, { objective: crossEntropy(), optimizer, rng: createRng(1) });
 * const { loss, reports } = step(batch);
 */
export function createStep<B extends Batch>(
  model: Model,
  options: StepOptions<B>,
): (batch: B) => { loss: tf.Scalar; reports: Tensors } {
  const evaluate = evaluationOf(model, options);
  return (batch) =>
    tf.tidy(() => {
      const { loss, grads, rows, reports } = evaluate(batch);
      options.optimizer.apply(model.weights, grads, rows);
      cut();
      return { loss, reports: { ...reports } };
    });
}
