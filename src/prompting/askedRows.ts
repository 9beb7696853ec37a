import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { encoded, padded } from '../data/encoded';
import type { Example } from '../data/types';
import { cut } from '../engine/cut';
import type { TextModel, Tokens } from '../model/types';
import { maskPlaces, maskScores } from './maskScores';
import type { Pattern } from './pattern';

/** A filled pattern in tokens. */
export interface AskedRow {
  readonly tokens: Tokens;
  /** Its gaps. */
  readonly places: readonly number[];
}

/** Examples in the pattern, each `{mask}` as `masks` tokens. */
export async function askedRows(
  { tokenizer }: TextModel,
  pattern: Pattern,
  examples: readonly Example[],
  { masks, maxLength }: { readonly masks: number; readonly maxLength: number },
): Promise<AskedRow[]> {
  const filled = await pattern.fill(examples, { tokenizer, maxLength, masks });
  const rows = await tokenizer.encode(
    filled.map(({ text, pair }) => (pair === undefined ? text : ([text, pair] as const))),
    { maxLength },
  );
  return rows.map((tokens) => {
    const places = maskPlaces(tokens.ids, tokens.ids.length, tokenizer.maskId!, masks * pattern.masks);
    return { tokens, places: [...places] };
  });
}

/**
 * What `compute` makes of the vocabulary's scores [B, k, V] at the gaps of some rows, row by row on the host.
 *
 * Rows are read in the order of their length, so that little is padded. Dropout is off.
 *
 * @param compute gets the numbers of the rows too; what it returns has one row for each
 */
export async function atGaps(
  model: TextModel,
  rows: readonly AskedRow[],
  batchSize: number,
  compute: (scores: Tensor3D, rows: readonly number[]) => Tensor2D,
): Promise<Float32Array[]> {
  const order = rows.map((_, i) => i).sort((a, b) => rows[a]!.tokens.ids.length - rows[b]!.tokens.ids.length || a - b);
  const result: Float32Array[] = [];
  for (let at = 0; at < order.length; at += batchSize) {
    const some = order.slice(at, at + batchSize);
    const values = tf.tidy(() => {
      const host = padded(
        some.map((i) => rows[i]!.tokens),
        { padId: model.tokenizer.padId, maxLength: model.maxLength },
      );
      const length = host.shape[1];
      const places = some.map((i, b) => rows[i]!.places.map((t) => b * length + t));
      const { hidden } = model.forward(encoded(host));
      return compute(maskScores(model, hidden, tf.tensor2d(places, undefined, 'int32')), some);
    });
    cut();
    try {
      const [all, width] = [await values.data<'float32'>(), values.shape[1]];
      some.forEach((i, b) => (result[i] = all.slice(b * width, (b + 1) * width)));
    } finally {
      values.dispose();
    }
  }
  return result;
}
