import * as tf from '@tensorflow/tfjs';
import { HoldfastError, badArgument } from '../core/errors';
import type { Encoded, ForwardOptions, Output, Tensors, Weights } from '../core/types';
import type { TextModel } from '../model/types';

/** A head belongs to its task, so it is trained beside whatever adapts the encoder. RoBERTa's pooler is part of its classifier. */
export const isHead = (name: string): boolean => name.startsWith('classifier.');

export interface AdaptedOptions {
  /** Which of the model's own trainable weights are trained beside the new ones. Default: its heads; the rest is frozen. */
  readonly trainable?: (name: string) => boolean;
  /** Of the new weights; whole number from 0. Default 0. */
  readonly seed?: number;
}

/** A model with further weights around another one, which stays the caller's: heads that are added to it are here too. */
export interface AdaptedModel extends TextModel {
  /** What is trained: the new weights, and the heads. The tensors stay the model's. */
  state(): Tensors;
  /** Takes a copy of a saved state, or none of it. @throws HoldfastError `bad-argument` if it does not fit */
  restore(state: Tensors): void;
  /** Frees the new weights. */
  dispose(): void;
}

/** What is new about an adapted model. */
export interface Adaptation {
  /** The further weights; the model owns them. */
  readonly added: Weights;
  /** The options have the weights, the further ones among them. */
  readonly forward: (inputs: Encoded, options: ForwardOptions & { readonly weights: Tensors }) => Output;
  /** Default: the model's. */
  readonly tokenLogits?: (hidden: tf.Tensor2D, options: ForwardOptions & { readonly weights: Tensors }) => tf.Tensor2D;
  /** Most tokens of a text. Default: the model's. */
  readonly maxLength?: number;
  /** False while the further weights take no part. */
  readonly inUse?: () => boolean;
}

export function adapted(
  owner: string,
  base: TextModel,
  { added, forward, tokenLogits, maxLength = base.maxLength, inUse = () => true }: Adaptation,
  trained: (name: string) => boolean = isHead,
): AdaptedModel {
  const names = Object.keys(added);
  const taken = names.find((name) => name in base.weights);
  if (taken !== undefined) {
    tf.dispose(added);
    throw badArgument(owner, `the model has weights of ${owner} already, such as '${taken}': adapt the model within it instead`);
  }
  let disposed = false;
  const requireOpen = () => {
    if (disposed)
      throw new HoldfastError('disposed', `${owner}: used after dispose(). Make a new one and restore() its saved state.`);
  };
  const all = (): Weights => ({ ...base.weights, ...added });
  const kept = (): string[] => [...base.trainable.filter(trained), ...names];

  return {
    get weights() {
      return all();
    },
    get trainable() {
      return inUse() ? kept() : base.trainable.filter(trained);
    },
    hiddenSize: base.hiddenSize,
    embeddingTable: base.embeddingTable,
    tokenizer: base.tokenizer,
    maxLength,
    get heads() {
      return base.heads;
    },
    get classCount() {
      return base.classCount;
    },
    head: (name) => base.head(name),
    forward(inputs, options = {}) {
      requireOpen();
      return forward(inputs, { weights: all(), ...options });
    },
    tokenLogits(hidden, options = {}) {
      requireOpen();
      const at = { weights: all(), ...options };
      return tokenLogits ? tokenLogits(hidden, at) : base.tokenLogits(hidden, at);
    },
    state() {
      requireOpen();
      const weights = all();
      return Object.fromEntries(kept().map((name) => [name, weights[name]!]));
    },
    restore(state) {
      requireOpen();
      const weights = all();
      requireSame(owner, state, Object.fromEntries(kept().map((name) => [name, weights[name]!])));
      for (const [name, value] of Object.entries(state)) weights[name]!.assign(value);
    },
    dispose() {
      disposed = true;
      tf.dispose(added);
    },
  };
}

function requireSame(owner: string, state: Tensors, own: Tensors): void {
  const shapeOf = (tensor: tf.Tensor | undefined) => (tensor ? `[${tensor.shape.join(', ')}]` : 'nothing');
  for (const name of new Set([...Object.keys(own), ...Object.keys(state)])) {
    const [got, want] = [shapeOf(state[name]), shapeOf(own[name])];
    if (got !== want)
      throw badArgument(
        owner,
        `'${name}' is ${got} in the state and ${want} here: give the same options and add the same heads as when it was saved`,
      );
  }
}
