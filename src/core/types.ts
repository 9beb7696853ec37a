import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Variable } from '@tensorflow/tfjs';

/** Tensors by weight name: gradients, Fisher diagonals, shifts. A plain object, because `tf.tidy` looks into objects but not into a `Map`. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** All weights of a model by their checkpoint names (not tfjs's `variable.name`). Only an `Updater` writes to them. */
export type Weights = Readonly<Record<string, Variable>>;

/** Draws a fresh 32-bit seed at every call; counter-based, so `(seed, counter)` is its whole state and fits into a checkpoint. */
export interface Rng {
  (): number;
  readonly seed: number;
  counter: number;
}

/** Tokenised text. B = batch, T = tokens, H = hidden size. */
export interface Encoded {
  /** [B, T] int32: vocabulary ids, padded at the end. */
  readonly ids: Tensor2D;
  /** [B, T] float32: 1 = token, 0 = padding. */
  readonly mask: Tensor2D;
  /** [B, T] int32: token types of a pair, 0 or 1. */
  readonly types?: Tensor2D;
  /** [B, T] int32: the place of each id in the batch's `vocabulary`. With it the table's gradient is rows instead of the whole table. */
  readonly places?: Tensor2D;
  /** [B, T, H] float32: added to the word embeddings. An attack adds to the one that is there. */
  readonly offset?: Tensor3D;
}

/** What one evaluation consumes. A technique that needs more data extends it (`Labeled`, `CodeSwitched`, …). */
export interface Batch {
  readonly inputs: Encoded;
  /** The strings that the tensors were made from, in the same order: memories keep these. */
  readonly examples: readonly unknown[];
  /** Sorted unique token ids [U] of all views of the batch; goes with `Encoded.places`. */
  readonly vocabulary?: Int32Array;
}

/** A batch with one class per row. C = classes of all heads side by side. */
export interface Labeled extends Batch {
  /** [B] int32: column of the logits. */
  readonly labels: Tensor1D;
  /** [B, C] float32: 1 = this class takes part (the head of this example's task, or the classes seen so far). Absent: all take part. */
  readonly classes?: Tensor2D;
  /** [B] float32: each row's share of the loss. Rehearsal uses it to add two means. Absent: 1 / B each. */
  readonly shares?: Tensor1D;
}

/** What the network says of a batch. */
export interface Output {
  /** [B, T, H] */
  readonly hidden: Tensor3D;
  /** [B, H] */
  readonly pooled: Tensor2D;
  /** [B, C]: the blocks of all heads side by side, in the order in which they were added. */
  readonly logits: Tensor2D;
}

export interface ForwardOptions {
  /** With it dropout is on; without it the pass is deterministic. */
  readonly rng?: Rng;
  /** Other weights than the model's own: an average, a teacher, a shifted point, base + low rank. */
  readonly weights?: Tensors;
  /** [U, H]: the rows of the embedding table for the batch's vocabulary, where the gradient is taken by rows. */
  readonly rows?: Tensor2D;
  /** Keys and values [B, N, H] that the queries of each layer see before the text's own, by layer. A layer without any sees the text alone. */
  readonly prefix?: readonly { readonly key: Tensor3D; readonly value: Tensor3D }[];
  /** For per-example gradients. */
  readonly taps?: Taps;
}

/** One use of a weight in a forward pass, with what its gradient needs beside the gradient of the use's output. */
export type Use =
  /** `y = x Wᵀ + b`: input x of [B, T, in] or [B, in]. */
  | { readonly kind: 'linear'; readonly weight: string; readonly bias?: string; readonly input: Tensor }
  /** `y = g ⊙ x̂ + b`: input x̂ of [B, T, H] or [B, H], normalised. */
  | { readonly kind: 'scale'; readonly weight: string; readonly bias: string; readonly input: Tensor }
  /** `y = W[ids]`: input int32 ids of [B, T]. */
  | { readonly kind: 'lookup'; readonly weight: string; readonly input: Tensor };

/** Gets each use and its output, batch first; what it returns takes the output's place (the output plus zeros). */
export type Taps = (use: Use, output: Tensor) => Tensor;

/** A trainable transformer as the techniques see it. */
export interface Model {
  readonly weights: Weights;
  /** Names of the weights that training may change. */
  readonly trainable: readonly string[];
  readonly hiddenSize: number;
  /** Name of the word embedding table, [V, H]. */
  readonly embeddingTable: string;
  forward(inputs: Encoded, options?: ForwardOptions): Output;
  /** Vocabulary scores of N hidden states: [N, H] → [N, V]. */
  tokenLogits(hidden: Tensor2D, options?: ForwardOptions): Tensor2D;
}

/** What a loss term sees of one evaluation of the network. */
export interface Pass<B extends Batch = Batch> {
  readonly batch: B;
  readonly model: Model;
  /** The point at which the gradient is taken. Penalties read these, never `model.weights`. */
  readonly weights: Tensors;
  /** The options of this pass for calls of `model.tokenLogits`: its weights and its dropout. */
  readonly options: ForwardOptions;
  /** The network on `batch.inputs`: computed on first use, shared by all terms. Inside `stopGradient` it throws if nobody used it before. */
  readonly output: Output;
  /** The network on other inputs, or on the same inputs with fresh dropout. */
  forward(inputs: Encoded): Output;
  /** Hands a value out of the tape: the size of a term, the logits that a memory keeps. */
  report(name: string, value: Tensor): void;
}

/** INSIDE the tape: one summand of the objective. */
export type Term<B extends Batch = Batch> = (pass: Pass<B>) => Scalar;

/** Host-side row numbers [U], sorted and unique, by weight name: `grads[name]` is then [U, H], the rest of that gradient is zero. */
export type Rows = Readonly<Record<string, Int32Array>>;

export interface Evaluation {
  readonly loss: Scalar;
  /** Of the trainable weights that the objective depends on. */
  readonly grads: Tensors;
  /** Which of `grads` are rows of a larger gradient, and which rows. */
  readonly rows: Rows;
  /** d loss / d inputs.offset, if there was one. */
  readonly offset?: Tensor3D;
  readonly reports: Tensors;
}

/** The gradient at the model's own weights, or at the ones given. Changes nothing. */
export type GradientFn<B extends Batch = Batch> = (batch: B, weights?: Tensors) => Evaluation;

/** AROUND the tape: a gradient function that calls another one, any number of times, with other data or at other weights. */
export type GradientTransform = <B extends Batch>(next: GradientFn<B>, model: Model) => GradientFn<B>;

/** BEFORE the tape: turns a stream of A into a stream of B. The only asynchronous joint. */
export type StreamTransform<A, B> = (source: AsyncIterable<A>) => AsyncIterable<B>;

/** AFTER the tape: the only thing that changes weights. Its state is part of a checkpoint. */
export interface Updater {
  /** Changes `weights` in place. `rows` says which gradients are rows (see `Rows`). */
  apply(weights: Weights, grads: Tensors, rows?: Rows): void;
  /** Learning rate of the last step, where there is one. */
  rate?(): number | undefined;
  /** Everything that the next step depends on, by name; the tensors stay the updater's. */
  state(): Tensors | Promise<Tensors>;
  /** Takes a copy of a saved state. Await it: what the host must know (step counts, row numbers) is read here. */
  restore(state: Tensors): void | Promise<void>;
  /** Frees the state at once; otherwise garbage collection does when nobody holds the updater any more. */
  dispose(): void;
}

/** Everything that a tuple of terms wants from one batch. */
export type Needs<Terms extends readonly Term<never>[]> = {
  [I in keyof Terms]: Terms[I] extends Term<infer B> ? (batch: B) => void : never;
}[number] extends (batch: infer All) => void
  ? All & Batch
  : never;
