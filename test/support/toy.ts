import * as tf from '@tensorflow/tfjs';
import { mix } from '../../src/core/rng';
import type { Encoded, ForwardOptions, Labeled, Output, Tensors, Use } from '../../src/core/types';
import type { Head, TextModel, Tokenizer, Tokens } from '../../src/model/types';

export interface ToyOptions {
  /** Rows of the embedding table. Default 11. */
  readonly vocabulary?: number;
  /** Default 6. */
  readonly hidden?: number;
  /** Rate of dropout where a pass has an rng. Default 0. */
  readonly dropout?: number;
  /** Default `{ a: ['x', 'y'], b: ['z'] }`. */
  readonly heads?: Readonly<Record<string, readonly string[]>>;
  readonly seed?: number;
}

export interface Toy extends TextModel {
  /** How often `forward` ran. */
  calls: number;
  dispose(): void;
}

const table = 'embeddings.word_embeddings.weight';

/**
 * The smallest model that has everything a technique can meet: an embedding table that the decoder shares, a linear weight that
 * is used twice, a normalisation, mean pooling, two heads, dropout. Its tokenizer splits at spaces and takes each word's number.
 */
export function toy({
  vocabulary = 11,
  hidden = 6,
  dropout = 0,
  heads: labelsOf = { a: ['x', 'y'], b: ['z'] },
  seed = 1,
}: ToyOptions = {}): Toy {
  const heads = headsOf(labelsOf);
  const weight = (name: string, shape: number[], site: number, around = 0) => {
    const initial = () => tf.randomNormal(shape, around, around === 0 ? 0.5 : 0.1, 'float32', mix(seed, site));
    return [name, tf.tidy(() => tf.variable(initial(), true))] as const;
  };
  const weights = Object.fromEntries([
    weight(table, [vocabulary, hidden], 1),
    weight('dense.weight', [hidden, hidden], 2),
    weight('dense.bias', [hidden], 3),
    weight('LayerNorm.weight', [hidden], 4, 1),
    weight('LayerNorm.bias', [hidden], 5),
    ...heads.flatMap(({ labels }, k) => [
      weight(`classifier.${k}.weight`, [labels.length, hidden], 6 + 2 * k),
      weight(`classifier.${k}.bias`, [labels.length], 7 + 2 * k),
    ]),
  ]);
  const model: Toy = {
    calls: 0,
    weights,
    trainable: Object.keys(weights),
    hiddenSize: hidden,
    embeddingTable: table,
    tokenizer: toyTokenizer(vocabulary),
    maxLength: 16,
    heads,
    classCount: heads.reduce((count, head) => count + head.labels.length, 0),
    head: (name) => heads.find((head) => head.name === name)!,
    forward(inputs, options = {}) {
      model.calls++;
      return forward(inputs, { weights, ...options }, heads.length, dropout);
    },
    tokenLogits: (states, { weights: at = weights } = {}) => tf.matMul(states, at[table] as tf.Tensor2D, false, true),
    dispose: () => tf.dispose(Object.values(weights)),
  };
  return model;
}

function forward(
  { ids, mask, places, offset }: Encoded,
  { weights, rng, rows, taps }: ForwardOptions,
  heads: number,
  rate: number,
): Output {
  const at = weights as Tensors;
  const tap = (use: Use, output: tf.Tensor) => (taps ? taps(use, output) : output);
  const drop = (x: tf.Tensor) => (rng && rate > 0 ? tf.dropout(x, rate, undefined, rng()) : x);
  const linear = (name: string, input: tf.Tensor) => {
    const [weight, bias] = [`${name}.weight`, `${name}.bias`];
    const flat = input.reshape<tf.Tensor2D>([-1, input.shape.at(-1)!]); // [B·T, in]
    const y = tf.matMul(flat, at[weight] as tf.Tensor2D, false, true).add(at[bias]!); // [B·T, out]
    return tap({ kind: 'linear', weight, bias, input }, y.reshape([...input.shape.slice(0, -1), y.shape[1]!]));
  };
  const looked = rows && places ? tf.gather(rows, places) : tf.gather(at[table] as tf.Tensor2D, ids); // [B, T, H]
  let x = tap({ kind: 'lookup', weight: table, input: ids }, looked);
  if (offset) x = x.add(offset);
  const { mean, variance } = tf.moments(x, -1, true);
  const input = x.sub(mean).div(variance.add(1e-3).sqrt());
  x = tap(
    { kind: 'scale', weight: 'LayerNorm.weight', bias: 'LayerNorm.bias', input },
    input.mul(at['LayerNorm.weight']!).add(at['LayerNorm.bias']!),
  );
  for (let layer = 0; layer < 2; layer++) x = drop(tf.tanh(linear('dense', x)));
  const pooled = x.mul(mask.expandDims(2)).sum(1).div<tf.Tensor2D>(mask.sum(1, true)); // [B, H]
  const logits = Array.from({ length: heads }, (_, k) => linear(`classifier.${k}`, pooled));
  return { hidden: x as tf.Tensor3D, pooled, logits: (logits.length === 1 ? logits[0]! : tf.concat(logits, 1)) as tf.Tensor2D };
}

export function headsOf(labelsOf: Readonly<Record<string, readonly string[]>>): Head[] {
  let next = 0;
  return Object.entries(labelsOf).map(([name, labels]) => {
    const offset = next;
    next += labels.length;
    return { name, labels, offset, columnOf: (label) => (labels.includes(label) ? offset + labels.indexOf(label) : undefined) };
  });
}

/** '3 1 4' → ids 3, 1, 4. Id 0 is padding. */
export const toyTokenizer = (vocabulary: number): Tokenizer => ({
  vocabularySize: vocabulary,
  padId: 0,
  specialIds: [0],
  encode: async (texts, { maxLength }) =>
    texts.map((text): Tokens => {
      const words = [text]
        .flat()
        .flatMap((part: string) => part.split(' '))
        .slice(0, maxLength);
      const zeros = words.map(() => 0);
      return {
        ids: words.map(Number),
        types: zeros,
        offsets: words.map(() => [0, 0]),
        words: words.map((_, i) => i),
        sequences: words.map(() => 0),
      };
    }),
  idOf: (token) => (Number(token) < vocabulary ? Number(token) : undefined),
  tokenOf: (id) => (id < vocabulary ? String(id) : undefined),
  decode: async (ids) => ids.join(' '),
  dispose: () => {},
});

/** Ids per text, padded with 0 at the end; `byRows` adds vocabulary and places. The caller disposes the tensors. */
export function toyBatch(texts: readonly (readonly number[])[], labels: readonly number[], { byRows = false } = {}): Labeled {
  const longest = Math.max(...texts.map((text) => text.length));
  const padded = texts.map((text) => [...text, ...Array<number>(longest - text.length).fill(0)]);
  const vocabulary = Int32Array.from(new Set(padded.flat())).sort();
  const shape: [number, number] = [texts.length, longest];
  return {
    examples: texts.map((text, i) => ({ text: text.join(' '), label: String(labels[i]) })),
    inputs: {
      ids: tf.tensor2d(padded, shape, 'int32'),
      mask: tf.tensor2d(
        texts.map((text) => padded[0]!.map((_, t) => (t < text.length ? 1 : 0))),
        shape,
      ),
      ...(byRows && {
        places: tf.tensor2d(
          padded.map((row) => row.map((id) => vocabulary.indexOf(id))),
          shape,
          'int32',
        ),
      }),
    },
    labels: tf.tensor1d([...labels], 'int32'),
    ...(byRows && { vocabulary }),
  };
}
