import * as tf from '@tensorflow/tfjs';
import {
  batches,
  createModel,
  type Example,
  type Head,
  type Labeled,
  type PretrainedModel,
  type Rng,
  type Tokenizer,
} from '../../src';

/** MiniLM-L6's shape, for `createModel` and for transformers' BertConfig. */
export const miniLmShape = {
  model_type: 'bert',
  vocab_size: 30522,
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  max_position_embeddings: 512,
  type_vocab_size: 2,
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  initializer_range: 0.02,
} as const;

export const classes = ['yes', 'no'] as const;
export const learningRate = 1e-5;

/** Row number `b` of the batch. Almost all ids differ, which is the worst case for an embedding by rows. */
const idsOf = (b: number, length: number): number[] =>
  Array.from({ length }, (_, t) => 100 + (((b * length + t) * 7919) % 30000));

/** Makes `length` ids of a text that is a number. */
export const numberTokenizer = (length: number): Tokenizer => ({
  vocabularySize: miniLmShape.vocab_size,
  padId: 0,
  specialIds: [],
  encode: async (texts) =>
    texts.map((text) => ({
      ids: idsOf(Number(text), length),
      types: new Array<number>(length).fill(0),
      offsets: new Array<readonly [number, number]>(length).fill([0, 0]),
      words: Array.from({ length }, (_, t) => t),
      sequences: new Array<0>(length).fill(0),
    })),
  idOf: () => undefined,
  tokenOf: () => undefined,
  decode: async () => '',
  dispose() {},
});

export interface Synthetic {
  readonly model: PretrainedModel;
  readonly head: Head<(typeof classes)[number]>;
}

/** A model with random weights and a head of two classes, whose texts are numbers and all have `tokens` tokens. */
export function syntheticModel(tokens: number): Synthetic {
  const model = createModel(miniLmShape, { tokenizer: numberTokenizer(tokens), seed: 1 });
  return { model, head: model.addHead('answer', classes, { seed: 1 }) };
}

export const syntheticExamples = (count: number): Example<(typeof classes)[number]>[] =>
  Array.from({ length: count }, (_, i) => ({ text: String(i), label: classes[i % 2]! }));

/** The batch as plain numbers, for the others. */
export const syntheticNumbers = (rows: number, tokens: number): { ids: number[][]; labels: number[] } => ({
  ids: Array.from({ length: rows }, (_, b) => idsOf(b, tokens)),
  labels: Array.from({ length: rows }, (_, b) => b % classes.length),
});

/** The same batch as `fit` gets it. */
export async function syntheticBatch({ model, head }: Synthetic, rows: number): Promise<Labeled> {
  const data = batches(syntheticExamples(rows), { head, batchSize: rows, shuffle: false });
  let found: Labeled | undefined;
  for await (const batch of data.open({ model, seed: 1, epoch: 0 })) found = batch;
  return found!;
}

/** A batch of random ids, without the way through `batches()`: B rows of T tokens, and a class out of C each. */
export function labeledBatch(B: number, T: number, C: number, draw: Rng): Labeled {
  const ids = Int32Array.from({ length: B * T }, () => 100 + (draw() % 30000));
  const vocabulary = Int32Array.from(new Set(ids)).sort();
  const place = new Map(Array.from(vocabulary, (id, i) => [id, i]));
  return {
    examples: Array.from({ length: B }, (_, b) => b),
    vocabulary,
    inputs: {
      ids: tf.tensor2d(ids, [B, T], 'int32'),
      mask: tf.ones([B, T]),
      places: tf.tensor2d(
        ids.map((id) => place.get(id)!),
        [B, T],
        'int32',
      ),
    },
    labels: tf.tensor1d(
      Int32Array.from({ length: B }, () => draw() % C),
      'int32',
    ),
  };
}
