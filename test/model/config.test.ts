import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { maxTokens, readConfig } from '../../src/model/config';

const bert = {
  model_type: 'bert',
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  intermediate_size: 64,
  max_position_embeddings: 128,
  vocab_size: 100,
};

const distilbert = {
  model_type: 'distilbert',
  dim: 32,
  n_layers: 2,
  n_heads: 4,
  hidden_dim: 64,
  max_position_embeddings: 128,
  vocab_size: 100,
};

function refused(raw: Record<string, unknown>) {
  try {
    readConfig(raw);
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('readConfig', () => {
  test('BERT, with the reference’s defaults', () => {
    const config = readConfig(bert);
    expect(config).toMatchObject({
      family: 'bert',
      layers: 2,
      heads: 4,
      epsilon: 1e-12,
      positionOffset: 0,
      typeCount: 2,
      activation: 'gelu',
      padId: 0,
      tied: true,
    });
    expect(config.dropout).toEqual({
      embeddings: 0.1,
      attention: 0.1,
      attentionOutput: 0.1,
      output: 0.1,
      poolerInput: 0,
      classifier: 0.1,
    });
    expect(maxTokens(config)).toBe(128);
  });

  test.each(['roberta', 'xlm-roberta'])('%s begins its positions behind the padding id', (model_type) => {
    const config = readConfig({ ...bert, model_type, max_position_embeddings: 514, type_vocab_size: 1, classifier_dropout: 0.3 });
    expect(config).toMatchObject({ family: 'roberta', padId: 1, positionOffset: 2, typeCount: 1 });
    expect(config.dropout).toMatchObject({ poolerInput: 0.3, classifier: 0.3, output: 0.1 });
    expect(maxTokens(config)).toBe(512);
  });

  test('DistilBERT has its own names, no token types and its own dropout', () => {
    const config = readConfig({ ...distilbert, activation: 'relu', dropout: 0.2 });
    expect(config).toMatchObject({
      family: 'distilbert',
      hiddenSize: 32,
      intermediateSize: 64,
      typeCount: 0,
      activation: 'relu',
    });
    expect(config.dropout).toEqual({
      embeddings: 0.2,
      attention: 0.1,
      attentionOutput: 0,
      output: 0.2,
      poolerInput: 0,
      classifier: 0.2,
    });
  });

  test.each([
    ['gelu', 'gelu'],
    ['gelu_new', 'gelu_tanh'],
    ['gelu_pytorch_tanh', 'gelu_tanh'],
    ['relu', 'relu'],
  ])('hidden_act %s', (hidden_act, activation) => {
    expect(readConfig({ ...bert, hidden_act }).activation).toBe(activation);
  });

  test('labels in the order of their numbers', () => {
    expect(readConfig({ ...bert, id2label: { 1: 'b', 0: 'a' } }).labels).toEqual(['a', 'b']);
  });

  test.each([['gpt2'], [undefined], ['constructor']])('model_type %s is refused, with what is supported', (model_type) => {
    const error = refused({ ...bert, model_type });
    expect(error.code).toBe('unknown-architecture');
    expect(error.message).toContain('supported are bert, roberta, xlm-roberta, distilbert');
  });

  test('every bad field is named', () => {
    const error = refused({
      ...bert,
      hidden_size: undefined,
      num_hidden_layers: 1.5,
      hidden_act: 'swish',
      hidden_dropout_prob: 1,
      layer_norm_eps: '1e-12',
    });
    expect(error.code).toBe('bad-config');
    expect(error.issues.map(({ message }) => message)).toEqual([
      'hidden_dropout_prob must be a number from 0 to below 1, got 1',
      'num_hidden_layers must be a whole number ≥ 1, got 1.5',
      'hidden_size is missing',
      'hidden_act must be one of gelu, gelu_new, gelu_pytorch_tanh, relu, got "swish"',
      'layer_norm_eps must be a number above 0, got "1e-12"',
    ]);
  });

  test.each([
    [{ position_embedding_type: 'relative_key' }, 'position_embedding_type "relative_key" is not supported, only "absolute"'],
    [{ is_decoder: true }, 'is_decoder is true, but only encoders are supported'],
    [{ num_attention_heads: 5 }, 'its 5 attention heads must divide the hidden size 32'],
    [{ pad_token_id: 100 }, 'pad_token_id 100 is not below vocab_size 100'],
    [{ model_type: 'roberta', max_position_embeddings: 2 }, 'max_position_embeddings 2 leaves no row after the offset 2'],
    [{ id2label: { a: 'x' } }, 'id2label must map "0", "1", … to the names of the labels'],
  ])('%o', (change, message) => {
    expect(refused({ ...bert, ...change }).issues.map((issue) => issue.message)).toEqual([message]);
  });
});
