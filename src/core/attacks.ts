import * as tf from '@tensorflow/tfjs';
import { addTensors, mapTensors } from './tensors';
import type { Batch, Evaluation, Model } from './types';

/** Adds to the offset that is there, or opens one of zeros: attacks compose. */
export function shifted<B extends Batch>(batch: B, model: Model, by?: tf.Tensor3D): B {
  const { ids, offset } = batch.inputs;
  const parts = [offset, by].filter((part): part is tf.Tensor3D => part !== undefined);
  const total = parts.length > 0 ? tf.addN(parts) : tf.zeros<tf.Rank.R3>([...ids.shape, model.hiddenSize]);
  return { ...batch, inputs: { ...batch.inputs, offset: total } };
}

/**
 * The mean of the clean and the attacked gradient of one batch (the rows must be the same), with the clean loss and reports.
 * Mean, not sum: a penalty that both contain (EWC) counts once.
 */
export const meanGradients = (clean: Evaluation, attacked: Evaluation): Evaluation => ({
  ...clean,
  grads: mapTensors(addTensors(clean.grads, attacked.grads), (grad) => grad.mul(0.5)),
});
