import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import type { Encoded } from '../core/types';
import { maxTokens } from './config';
import { drop, lookup, norm, sites, weightIn, type NetworkPass } from './pass';

/**
 * What the first layer reads: `dropout(LayerNorm(words + offset + types + positions))`, [B, T, H].
 *
 * Positions count from the start of each row, as padding stands at the end; RoBERTa's family starts behind its padding row.
 *
 * @param rows [U, H] the table's rows for `inputs.places`: the gradient goes to them instead of the table
 */
export function embeddings(pass: NetworkPass, inputs: Encoded, rows: Tensor2D | undefined): Tensor3D {
  const { config, names } = pass;
  const { ids, places, offset } = inputs;
  const [, T] = ids.shape;
  const most = maxTokens(config);
  if (T > most)
    throw badArgument(
      'forward',
      `the inputs have ${T} tokens, the model has positions for ${most}: encode with maxLength ${most}`,
    );

  const words = lookup(pass, names.words, ids, rows && places && { rows, at: places });
  // The small ones first: without types of their own they are one row for all examples.
  const place = [...tokenTypes(pass, inputs), positions(pass, ids)].reduce((total, part) => tf.add(total, part));
  const sum = tf.add<Tensor3D>(offset ? tf.add(words, offset) : words, place);
  return drop(pass, norm(pass, sum, names.embeddingsNorm), config.dropout.embeddings, sites.embeddings);
}

/** [B, T, H]; [1, T, H] without taps, as all examples share it. */
function positions(pass: NetworkPass, ids: Tensor2D): Tensor3D {
  const { config, names } = pass;
  const [B, T] = ids.shape;
  const first = config.positionOffset;
  if (pass.taps)
    return lookup(pass, names.positions, tf.add<Tensor2D>(tf.zeros([B, T], 'int32'), tf.range(first, first + T, 1, 'int32')));
  return tf.expandDims(tf.slice(weightIn(pass, names.positions) as Tensor2D, [first, 0], [T, config.hiddenSize]), 0);
}

/** [B, T, H]; [1, 1, H] where all tokens have type 0; nothing without token types. */
function tokenTypes(pass: NetworkPass, { ids, types }: Encoded): Tensor3D[] {
  const { config, names } = pass;
  if (names.types === undefined) return [];
  // A table of one row knows no second text.
  const known = config.typeCount > 1 ? types : undefined;
  if (known) return [lookup(pass, names.types, known)];
  if (pass.taps) return [lookup(pass, names.types, tf.zeros<tf.Rank.R2>(ids.shape, 'int32'))];
  return [tf.expandDims(tf.slice(weightIn(pass, names.types) as Tensor2D, [0, 0], [1, config.hiddenSize]), 0)];
}
