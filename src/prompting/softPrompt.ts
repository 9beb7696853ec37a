import * as tf from '@tensorflow/tfjs';
import { requireCount } from '../core/errors';
import { mix } from '../core/rng';
import type { Encoded, ForwardOptions, Tensors } from '../core/types';
import { weightOf } from '../core/weightOf';
import { embed } from '../engine/fused';
import type { TextModel, Tokenizer } from '../model/types';
import { adapted, type AdaptedModel, type AdaptedOptions } from './adapted';
import { wholeTable } from './wholeTable';

export interface SoftPromptOptions extends AdaptedOptions {
  /** Number N of vectors; 0 is the model itself. Default 20. */
  readonly length?: number;
  /** Ids of the tokens whose embeddings the vectors start as, from the front again when they run out. Default: drawn from the vocabulary. */
  readonly from?: readonly number[];
}

const vectorsName = 'softPrompt.vectors';

/**
 * Prompt tuning: N trainable vectors stand where the first words of a text would, the model itself may stay frozen.
 *
 * `[e(CLS), p₁ … p_N, e(x₁) … e(x_T)]` instead of `[e(CLS), e(x₁) … e(x_T)]`, with p of [N, H], the weight `softPrompt.vectors`.
 *
 * **Needs** a much higher learning rate than the whole model does: 1e-2 and more.
 * **Cost** N more tokens in each row, in the forward pass and the way back; `maxLength` is N less.
 * **Limits** N = 0 is the model itself. `hidden` has the text's states alone; with pooling `mean` those of the vectors are in the mean.
 * **Differs from P-tuning**, which puts its vectors anywhere in a pattern and makes them by an LSTM: these stand behind the first token
 * and are trained as they are. Prompt tuning has no first token, puts them in front, and starts from the most frequent tokens.
 * **See also** `prefixTuning` (vectors in every layer, stronger for small models), `lora`.
 *
 * The state is the vectors and the heads, without the model.
 *
 * @param base stays the caller's; `trainable: () => true` trains all of it too
 * @throws HoldfastError `bad-argument` if `length` is no whole number that leaves room for a text, or `from` holds what is no id
 * @see Lester et al., The Power of Scale for Parameter-Efficient Prompt Tuning, EMNLP 2021, arXiv:2104.08691, section 2
 * @see Liu et al., GPT Understands, Too, arXiv:2103.10385
 * @example
 * const prompted = softPrompt(model, { length: 5, from: labels.flatMap((label) => model.tokenizer.idOf(label) ?? []) });
 * await fit(prompted, { objective: crossEntropy(), data: batches(train, { head }), optimizer: adamW({ learningRate: 1e-2 }), seed: 1 });
 * prompted.dispose();
 */
export function softPrompt(
  base: TextModel,
  { length = 20, from = [], seed = 0, trainable }: SoftPromptOptions = {},
): AdaptedModel {
  const table = base.weights[base.embeddingTable] as tf.Variable<tf.Rank.R2>;
  requireCount('softPrompt', 'length', length, 0, base.maxLength - 2);
  requireCount('softPrompt', 'seed', seed, 0);
  for (const id of from) requireCount('softPrompt', 'each id in from', id, 0, table.shape[0] - 1);
  if (length === 0)
    return adapted('softPrompt', base, { added: {}, forward: (inputs, options) => base.forward(inputs, options) }, trainable);

  const drawn = from.length > 0 ? from : ordinaryIds(length, base.tokenizer, seed);
  const ids = Array.from({ length }, (_, n) => drawn[n % drawn.length]!);
  const vectors = tf.tidy(() => tf.variable(tf.gather(table, tf.tensor1d(ids, 'int32')), true));
  return adapted(
    'softPrompt',
    base,
    {
      added: { [vectorsName]: vectors },
      forward(inputs, options) {
        const whole = base.forward(promptedInputs(inputs, options, base.embeddingTable), options);
        return {
          get hidden() {
            return withoutPrompt(whole.hidden, length);
          },
          get pooled() {
            return whole.pooled;
          },
          get logits() {
            return whole.logits;
          },
        };
      },
      maxLength: base.maxLength - length,
    },
    trainable,
  );
}

/**
 * The inputs with room for the vectors: behind its first token each row has that token N times more, and an offset that turns its
 * embedding into the vectors. So neither a model nor an attack need know of them, and the token's own gradient there cancels out.
 */
function promptedInputs(
  { ids, mask, types, places, offset }: Encoded,
  options: ForwardOptions & { readonly weights: Tensors },
  table: string,
): Encoded {
  const { weights, rows, taps } = options;
  const [B, T] = ids.shape;
  const prompt = wholeTable(vectorsName, B, options); // [B, N, H]
  const [, N, H] = prompt.shape;
  const repeated = (x: tf.Tensor2D): tf.Tensor2D => behindFirst(x, tf.tile(firstOf(x), [1, N]));

  const looked = rows && places ? embed(rows, firstOf(places)) : embed(weightOf(weights, table) as tf.Tensor2D, firstOf(ids));
  const first = taps ? (taps({ kind: 'lookup', weight: table, input: firstOf(ids) }, looked) as tf.Tensor3D) : looked; // [B, 1, H]
  return {
    ids: repeated(ids),
    mask: behindFirst(mask, tf.ones<tf.Rank.R2>([B, N])),
    ...(types && { types: repeated(types) }),
    ...(places && { places: repeated(places) }),
    offset: behindFirst(offset ?? tf.zeros<tf.Rank.R3>([B, T, H]), tf.sub<tf.Tensor3D>(prompt, first)), // [B, N + T, H]
  };
}

/** [B, T, …] → [B, 1, …] */
const firstOf = <X extends tf.Tensor>(x: X): X =>
  tf.slice(
    x,
    x.shape.map(() => 0),
    [x.shape[0], 1, ...x.shape.slice(2)],
  );

/** [B, T, …] from token `at` on. */
const restOf = <X extends tf.Tensor>(x: X, at: number): X[] =>
  x.shape[1] === at
    ? []
    : [
        tf.slice(
          x,
          x.shape.map((_, axis) => (axis === 1 ? at : 0)),
        ),
      ];

/** [B, T, …], [B, N, …] → [B, T + N, …] */
const behindFirst = <X extends tf.Tensor>(x: X, inserted: X): X => tf.concat<X>([firstOf(x), inserted, ...restOf(x, 1)], 1);

/** [B, N + T, H] → [B, T, H] */
const withoutPrompt = (hidden: tf.Tensor3D, N: number): tf.Tensor3D => tf.concat([firstOf(hidden), ...restOf(hidden, N + 1)], 1);

/** Ids that are not special, drawn by the seed. */
function ordinaryIds(count: number, { vocabularySize, specialIds }: Tokenizer, seed: number): number[] {
  const special = new Set(specialIds);
  const ids: number[] = [];
  for (let draw = 0; ids.length < count; draw++) {
    const id = mix(seed, draw) % vocabularySize;
    if (!special.has(id)) ids.push(id);
  }
  return ids;
}
