import * as tf from '@tensorflow/tfjs';
import { cut } from '../engine/cut';
import { HoldfastError } from './errors';
import { scatterRows } from './scatterRows';
import { isOffTape } from './stopGradient';
import { gradientsBy } from './tape';
import { mapTensors } from './tensors';
import type { Batch, Encoded, Evaluation, ForwardOptions, GradientFn, Model, Output, Pass, Rng, Tensors, Term } from './types';
import { weightOf } from './weightOf';

/**
 * The gradient of an objective: one tape per call, which is one graph of the engine.
 *
 * With `batch.vocabulary` the word embeddings' gradient comes as rows. If a term reads the whole table besides (a penalty, a tied
 * decoder), that part is dense and the rows are added to it.
 *
 * @param rng with it dropout is on
 * @throws HoldfastError `not-scalar` if the objective is not a scalar; `offset-ignored` if the model did not use `inputs.offset`;
 *   `bad-argument` if the weights given lack a trainable one
 * @example
 * const slope = tf.tidy(() => squaredNorm(gradientsOf(crossEntropy(), model)(batch).grads).sqrt());
 */
export function gradientsOf<B extends Batch>(objective: Term<B>, model: Model, rng?: Rng): GradientFn<B> {
  return (batch, at = model.weights) => {
    const { offset } = batch.inputs;
    const table = at[model.embeddingTable];
    const byRows = batch.vocabulary !== undefined && table !== undefined && model.trainable.includes(model.embeddingTable);
    const rows = byRows ? tf.gather(table as tf.Tensor2D, tf.tensor1d(batch.vocabulary, 'int32')) : undefined;

    const kept: Record<string, tf.Tensor> = {};
    const report = (name: string, value: tf.Tensor) => {
      kept[name]?.dispose();
      kept[name] = tf.keep(value.clone());
    };
    const run = () => {
      const loss = objective(openPass(model, batch, { weights: at, ...(rng && { rng }), ...(rows && { rows }) }, report));
      if (loss.rank !== 0) {
        throw new HoldfastError(
          'not-scalar',
          `The objective must be a scalar, got shape [${loss.shape.join(', ')}]: reduce it with mean() or sum().`,
        );
      }
      return loss;
    };

    const sources: tf.Tensor[] = [
      ...model.trainable.map((name) => weightOf(at, name)),
      ...(offset ? [offset] : []),
      ...(rows ? [rows] : []),
    ];
    const { value, grads: found } = gradientsBy(run, sources, () => tf.dispose(kept));

    const grads: Record<string, tf.Tensor> = {};
    model.trainable.forEach((name, i) => {
      const grad = found[i];
      if (grad) grads[name] = grad;
    });
    const offsetGrad = offset && found[model.trainable.length];
    if (offset && !offsetGrad) {
      tf.dispose(kept);
      throw new HoldfastError(
        'offset-ignored',
        'The model did not add inputs.offset to its word embeddings, or no term reads batch.inputs: an attack on it would do nothing.',
      );
    }
    const rowsGrad = rows && found.at(-1);
    const evaluation: Evaluation = {
      loss: value,
      grads,
      rows: {},
      // The tape's own scope ends here: what was reported moves to the caller's.
      reports: mapTensors(kept, release),
      ...(offsetGrad && { offset: offsetGrad as tf.Tensor3D }),
    };
    const whole = rowsGrad ? withRows(evaluation, model.embeddingTable, rowsGrad, batch.vocabulary!) : evaluation;
    cut();
    return whole;
  };
}

function release(kept: tf.Tensor): tf.Tensor {
  const copy = kept.clone();
  kept.dispose();
  return copy;
}

function withRows(evaluation: Evaluation, table: string, grad: tf.Tensor, vocabulary: Int32Array): Evaluation {
  const dense = evaluation.grads[table];
  if (!dense) return { ...evaluation, grads: { ...evaluation.grads, [table]: grad }, rows: { [table]: vocabulary } };
  const scattered = scatterRows(grad, vocabulary, dense.shape[0]);
  return { ...evaluation, grads: { ...evaluation.grads, [table]: tf.add(dense, scattered) } };
}

/**
 * The pass of one evaluation, or of a measurement without a tape.
 *
 * @example
 * const loss = tf.tidy(() => crossEntropy()(openPass(model, batch, { weights: model.weights })));
 */
export function openPass<B extends Batch>(
  model: Model,
  batch: B,
  options: ForwardOptions & { readonly weights: Tensors },
  report: (name: string, value: tf.Tensor) => void = () => {},
): Pass<B> {
  const forward = (inputs: Encoded) => model.forward(inputs, options);
  let shared: Output | undefined;
  return {
    batch,
    model,
    weights: options.weights,
    options,
    forward,
    report,
    get output() {
      if (!shared && isOffTape()) {
        throw new HoldfastError(
          'off-tape',
          'pass.output was first read inside stopGradient: every other term would lose its gradient. Read it before.',
        );
      }
      return (shared ??= forward(batch.inputs));
    },
  };
}
