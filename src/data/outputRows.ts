import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import type { Output } from '../core/types';
import { cut } from '../engine/cut';
import type { TextModel, Tokens } from '../model/types';
import { encoded, padded } from './encoded';

/** Tokens of one evaluation: what of it is still in the processor's caches is not fetched again (measured from 5 to 12 layers, 10 to 300 tokens). */
const mostTokens = 1024;

/**
 * What `compute` makes of a model's outputs for some rows, on the host and in the order of the rows: [N][W].
 *
 * Rows are read in the order of their length, so that little is padded, and as many at a time as are quick: about a thousand tokens. Dropout is off.
 *
 * @param batchSize most rows of one evaluation
 * @param compute gets the numbers of the batch's rows too; what it returns, [B, W], has one row for each
 * @throws HoldfastError `not-finite` if it gives numbers that are not
 */
export async function outputRows(
  model: TextModel,
  rows: readonly { readonly tokens: Tokens }[],
  batchSize: number,
  compute: (output: Output, rows: readonly number[]) => tf.Tensor2D,
): Promise<Float32Array[]> {
  const lengthOf = (i: number) => rows[i]!.tokens.ids.length;
  const order = [...rows.keys()].sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const result: Float32Array[] = [];
  for (let at = 0; at < order.length;) {
    const isFull = (end: number) => end - at === batchSize || (end - at + 1) * lengthOf(order[end]!) > mostTokens;
    let end = at + 1;
    while (end < order.length && !isFull(end)) end++;
    const some = order.slice(at, end);
    at = end;
    const host = padded(
      some.map((i) => rows[i]!.tokens),
      { padId: model.tokenizer.padId, maxLength: model.maxLength },
    );
    const values = tf.tidy(() => compute(model.forward(encoded(host)), some));
    cut();
    try {
      const [all, width] = [await values.data<'float32'>(), values.shape[1]];
      const odd = all.find((value) => !Number.isFinite(value));
      if (odd !== undefined)
        throw new HoldfastError(
          'not-finite',
          `The model's outputs must be finite, got ${odd}: it has diverged, or its weights are broken. Take those of an earlier state.`,
        );
      some.forEach((i, b) => (result[i] = all.slice(b * width, (b + 1) * width)));
    } finally {
      values.dispose();
    }
  }
  return result;
}
