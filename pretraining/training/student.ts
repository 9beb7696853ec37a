import * as tf from '@tensorflow/tfjs';
import type { PretrainedModel, TextModel } from '../../src';
import { freshWeight } from '../../src/model/freshWeights';

export interface StudentOptions {
  /** Widths of further weights `[width, H]` by name. They are trained beside the model and never saved with it. */
  readonly projections?: Readonly<Record<string, number>>;
  readonly seed: number;
}

/** The model as the training sees it: without dropout, since hardly a text is seen twice, and with the projections to the teachers. */
export function studentOf(
  model: PretrainedModel,
  { projections = {}, seed }: StudentOptions,
): { readonly student: TextModel; dispose(): void } {
  const extra = Object.fromEntries(
    Object.entries(projections).map(([name, width]) => [
      name,
      freshWeight({ name, shape: [width, model.hiddenSize], part: 'head', start: 'normal' }, 0.05, seed),
    ]),
  );
  const student: TextModel = {
    ...model,
    weights: { ...model.weights, ...extra },
    trainable: [...model.trainable, ...Object.keys(extra)],
    forward: (inputs, { rng: _unused, ...options } = {}) => model.forward(inputs, { weights: student.weights, ...options }),
  };
  return { student, dispose: () => tf.dispose(extra) };
}
