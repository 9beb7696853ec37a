import * as tf from '@tensorflow/tfjs';
import { HoldfastError, badArgument, requireCount } from '../core/errors';
import type { Encoded, ForwardOptions, Output } from '../core/types';
import type { EncoderConfig } from './config';
import { encode } from './encoder';
import type { FileSink } from './files';
import { freshWeight } from './freshWeights';
import { checkHead, createHead, findHead, placeHeads, type HeadRecord } from './heads';
import { maskedLmHead } from './maskedLmHead';
import { namesOf } from './names';
import type { NetworkPass } from './pass';
import type { Pooling } from './pooling';
import type { SaveOptions } from './save';
import { saveTo } from './saveTo';
import { chosen, type Trainable } from './trainable';
import type { Head, TextModel, Tokenizer } from './types';
import { headPlan, maskedLmPlan, type PlannedWeight, type WeightInfo } from './weightPlan';

export interface SeedOptions {
  /** Of the fresh weights; whole number from 0. Default 0. */
  readonly seed?: number;
}

/** A trainable encoder with its tokenizer and heads. */
export interface PretrainedModel extends TextModel, AsyncDisposable {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  readonly hasMaskedLmHead: boolean;
  /**
   * Adds a block of classes for one task: `classifier.<name>.weight` [n, H] from normal(0, initializer_range), and a bias of zeros.
   * The other heads' rows stay as they are. It is trainable from the start.
   *
   * @throws HoldfastError `bad-argument` for a name that is taken, no labels, or labels that occur twice
   * @example
   * const head = model.addHead('shipping', ['track-parcel', 'change-address']);
   */
  addHead<const Label extends string>(name: string, labels: readonly Label[], options?: SeedOptions): Head<Label>;
  /**
   * Adds a fresh masked-language head, tied to the word embeddings, to a checkpoint without one.
   *
   * @throws HoldfastError `bad-argument` if there is one
   * @example
   * model.addMaskedLmHead({ seed: 1 });
   */
  addMaskedLmHead(options?: SeedOptions): void;
  /**
   * Says which weights training may change.
   *
   * @param trainable names, or a choice by part and layer, such as `lastLayers(2)`; unused poolers are never among a choice's weights
   * @throws HoldfastError `bad-argument` naming the weights that the model does not have
   * @example
   * model.setTrainable(lastLayers(1));
   */
  setTrainable(trainable: Trainable): void;
  /**
   * Writes the model in Hugging Face's layout, with `holdfast.json`; the weights are those of the moment of the call.
   *
   * A folder is replaced as a whole: a crash leaves the old one or the new one. With pooling `pooler` Python's `…ForSequenceClassification`
   * opens it and predicts the same; with the others Python's encoder opens it, and the heads are in `heads.weight` and `heads.bias`.
   * With `keep` the state of penalties, memories and the like is saved in the same step, and `loadModel` gives it back.
   *
   * @param target path of a folder that is new, empty, or was saved by this library; or a sink
   * @throws HoldfastError `save-conflict` for a folder with other files; `bad-argument` for another precision, and for what cannot be kept
   * @example
   * const memory = replay({ perLabel: 10 });
   * await model.save('./support', { keep: { memory } });
   */
  save(target: string | FileSink, options?: SaveOptions): Promise<void>;
  /** A model of its own with the same weights; the tokenizer is shared until the last of them is disposed. */
  clone(): PretrainedModel;
  /** Frees the weights and the tokenizer. What was computed from them stays the caller's. */
  dispose(): void;
}

/** What a model is made of. The model owns the variables. */
export interface ModelParts {
  readonly config: EncoderConfig;
  readonly prefix: string;
  readonly pooling: Pooling;
  readonly maxLength: number;
  readonly tokenizer: SharedTokenizer;
  /** In the order of the checkpoint's layout, heads last. */
  readonly weights: ReadonlyMap<WeightInfo, tf.Variable>;
  readonly heads: readonly HeadRecord[];
  readonly carried: ReadonlyMap<string, Uint8Array>;
  readonly trainable?: Trainable;
}

/** A tokenizer that is disposed by the last model that lets go of it. */
export interface SharedTokenizer {
  readonly tokenizer: Tokenizer;
  users: number;
  /** False for a tokenizer that the caller brought. */
  readonly owned: boolean;
}

export function assembleModel(parts: ModelParts): PretrainedModel {
  const { config, prefix, pooling, maxLength, tokenizer: shared, carried } = parts;
  const names = namesOf(config, prefix);
  const infos = [...parts.weights.keys()];
  const weights: Record<string, tf.Variable> = Object.fromEntries(
    [...parts.weights].map(([{ name }, variable]) => [name, variable]),
  );
  const heads: Head[] = placeHeads(parts.heads);
  const usable = (): WeightInfo[] => infos.filter(({ part }) => part !== 'pooler' || pooling === 'pooler');
  let trainable: readonly string[] = select(parts.trainable ?? (() => true));
  let disposed = false;
  shared.users++;

  function select(choice: Trainable): string[] {
    return chosen(typeof choice === 'function' ? usable() : infos, choice);
  }

  function add(planned: readonly PlannedWeight[], owner: string, seed: number): void {
    requireCount(owner, 'seed', seed, 0);
    requireAlive();
    for (const weight of planned) {
      weights[weight.name] = freshWeight(weight, config.initializerRange, seed);
      infos.push(weight);
    }
    trainable = [...trainable, ...planned.map(({ name }) => name)];
  }

  function requireAlive(): void {
    if (disposed) throw new HoldfastError('disposed', 'This model was disposed: load it again.');
  }

  function open({ rng, weights: given = weights, prefix, taps }: ForwardOptions): NetworkPass {
    requireAlive();
    return { config, names, weights: given, seed: rng?.(), prefix, taps };
  }

  const model: PretrainedModel = {
    config,
    pooling,
    maxLength,
    weights,
    heads,
    tokenizer: shared.tokenizer,
    hiddenSize: config.hiddenSize,
    embeddingTable: names.words,
    get trainable() {
      return trainable;
    },
    get classCount() {
      return heads.reduce((count, { labels }) => count + labels.length, 0);
    },
    get hasMaskedLmHead() {
      return names.maskedLm.bias in weights;
    },
    head: (name) => findHead(heads, name),
    forward: (inputs: Encoded, options: ForwardOptions = {}): Output =>
      encode(open(options), inputs, { pooling, heads: heads.map(({ name }) => name), rows: options.rows }),
    tokenLogits(hidden, options = {}) {
      if (!model.hasMaskedLmHead) {
        throw new HoldfastError(
          'not-found',
          'This checkpoint has no masked-language head: load one of a …ForMaskedLM model, or call model.addMaskedLmHead() and train it.',
        );
      }
      // The head has no dropout, so it draws no seed.
      const { rng: _unused, ...rest } = options;
      return tf.tidy(() => maskedLmHead(open(rest), hidden));
    },
    addHead(name, labels, { seed = 0 } = {}) {
      checkHead(heads, names, name, labels);
      const head = createHead(name, labels, model.classCount);
      add(headPlan(config, name, labels.length), 'addHead', seed);
      heads.push(head);
      return head;
    },
    addMaskedLmHead({ seed = 0 } = {}) {
      if (model.hasMaskedLmHead) throw badArgument('addMaskedLmHead', 'the model has a masked-language head already');
      add(maskedLmPlan(config, names), 'addMaskedLmHead', seed);
    },
    setTrainable(choice) {
      trainable = select(choice);
    },
    async save(target, options) {
      requireAlive();
      // Clones share their data until training replaces it: the snapshot of this moment costs nothing.
      const snapshot = Object.fromEntries(
        Object.entries(weights).map(([name, variable]) => [name, tf.keep(tf.clone<tf.Tensor>(variable))]),
      );
      try {
        await saveTo(
          target,
          {
            config,
            pooling,
            prefix,
            maxLength,
            heads: heads.map(({ name, labels }) => ({ name, labels })),
            weights: snapshot,
            carried,
          },
          options,
        );
      } finally {
        tf.dispose(snapshot);
      }
    },
    clone() {
      requireAlive();
      const copies = new Map(infos.map((info) => [info, tf.variable<tf.Rank>(weights[info.name]!)]));
      return assembleModel({ ...parts, weights: copies, heads, trainable: [...trainable] });
    },
    dispose() {
      if (disposed) return;
      disposed = true;
      tf.dispose(weights);
      if (--shared.users === 0 && shared.owned) shared.tokenizer.dispose();
    },
    async [Symbol.asyncDispose]() {
      model.dispose();
    },
  };
  return model;
}
