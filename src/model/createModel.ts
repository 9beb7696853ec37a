import { HoldfastError, requireCount } from '../core/errors';
import type { Variable } from '@tensorflow/tfjs';
import { maxTokens, readConfig } from './config';
import { freshWeight } from './freshWeights';
import { assembleModel, type PretrainedModel } from './model';
import { namesOf, prefixOf } from './names';
import { requirePooling, type Pooling } from './pooling';
import type { Tokenizer } from './types';
import { encoderPlan, maskedLmPlan, poolerPlan, type WeightInfo } from './weightPlan';

export interface CreateModelOptions {
  /** Of all weights; whole number from 0. Default 0. */
  readonly seed?: number;
  readonly tokenizer: Tokenizer;
  /** Default `mean`. */
  readonly pooling?: Pooling;
  /** Whether it has a masked-language head. Default false. */
  readonly maskedLm?: boolean;
  /** Written beside the weights on save: the tokenizer's files, for example. Default none. */
  readonly carried?: ReadonlyMap<string, Uint8Array>;
}

/**
 * An encoder with random weights: normal(0, initializer_range) for matrices and tables, LayerNorms at the identity, biases at zero.
 *
 * **Differs from Python**, whose padding rows start at zero; nothing reads them.
 *
 * @param config what a `config.json` holds: `{ model_type: 'bert', hidden_size: 32, … }`
 * @throws HoldfastError as `loadModel` does for a `config.json`; `bad-argument` for another pooling; `bad-tokenizer` if the tokenizer has more ids than the vocabulary
 * @example
 * const sizes = { hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 2, intermediate_size: 256, max_position_embeddings: 128 };
 * const model = createModel({ model_type: 'bert', vocab_size: tokenizer.vocabularySize, ...sizes }, { tokenizer, seed: 1 });
 */
export function createModel(config: Readonly<Record<string, unknown>>, options: CreateModelOptions): PretrainedModel {
  const { seed = 0, tokenizer, pooling = 'mean', maskedLm = false, carried = new Map() } = options;
  requireCount('createModel', 'seed', seed, 0);
  requirePooling('createModel', pooling);
  const encoder = readConfig(config, 'createModel: the config');
  if (tokenizer.vocabularySize > encoder.vocabularySize) {
    throw new HoldfastError(
      'bad-tokenizer',
      `createModel: the tokenizer has ${tokenizer.vocabularySize} ids, vocab_size is ${encoder.vocabularySize}: raise it.`,
    );
  }
  const prefix = prefixOf[encoder.family];
  const names = namesOf(encoder, prefix);
  const plan = [
    ...encoderPlan(encoder, names),
    ...(pooling === 'pooler' ? poolerPlan(encoder, names) : []),
    ...(maskedLm ? maskedLmPlan(encoder, names) : []),
  ];
  const weights = new Map<WeightInfo, Variable>(
    plan.map((weight) => [weight, freshWeight(weight, encoder.initializerRange, seed)]),
  );
  return assembleModel({
    config: encoder,
    prefix,
    pooling,
    maxLength: maxTokens(encoder),
    tokenizer: { tokenizer, users: 0, owned: false },
    weights,
    heads: [],
    carried,
  });
}
