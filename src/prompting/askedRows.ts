import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { outputRows } from '../data/outputRows';
import type { Example } from '../data/types';
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
 * What `compute` makes of the vocabulary's scores [B, k, V] at the gaps of some rows, row by row on the host. Dropout is off.
 *
 * @param compute gets the numbers of the rows too; what it returns has one row for each
 */
export const atGaps = (
  model: TextModel,
  rows: readonly AskedRow[],
  batchSize: number,
  compute: (scores: Tensor3D, rows: readonly number[]) => Tensor2D,
): Promise<Float32Array[]> =>
  outputRows(model, rows, batchSize, ({ hidden }, some) => {
    const places = some.map((i, b) => rows[i]!.places.map((t) => b * hidden.shape[1] + t));
    return compute(maskScores(model, hidden, tf.tensor2d(places, undefined, 'int32')), some);
  });
