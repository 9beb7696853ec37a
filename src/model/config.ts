import { HoldfastError, type Issue } from '../core/errors';
import { isRecord } from './files';

/** What the network is built like: BERT's embeddings and pooler, RoBERTa's, or DistilBERT's. */
export type Family = 'bert' | 'roberta' | 'distilbert';

export type Activation = 'gelu' | 'gelu_tanh' | 'relu';

/** Dropout rates by place, as the reference applies them; 0 = none there. */
export interface DropoutRates {
  readonly embeddings: number;
  /** On the attention probabilities. */
  readonly attention: number;
  readonly attentionOutput: number;
  readonly output: number;
  /** On the input of RoBERTa's pooler. */
  readonly poolerInput: number;
  /** On the pooled vector, before the classifier. */
  readonly classifier: number;
}

/** One encoder, whatever the names in its `config.json`. */
export interface EncoderConfig {
  readonly family: Family;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly intermediateSize: number;
  readonly activation: Activation;
  readonly epsilon: number;
  /** Rows of the position table. */
  readonly positionRows: number;
  /** Row of the first token: 0, or the padding id + 1 in RoBERTa's family. */
  readonly positionOffset: number;
  /** Rows of the token type table; 0 without one. */
  readonly typeCount: number;
  readonly vocabularySize: number;
  readonly padId: number;
  readonly dropout: DropoutRates;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  /** Whether the masked-language head's decoder is the word embedding table. */
  readonly tied: boolean;
  /** Class names in the reference, such as `BertForMaskedLM`. */
  readonly architectures: readonly string[];
  /** Labels of the classifier by number, where `id2label` names them. */
  readonly labels?: readonly string[];
  /** `config.json` as read: what is saved again. */
  readonly raw: Readonly<Record<string, unknown>>;
}

const families: Readonly<Record<string, Family>> = {
  bert: 'bert',
  roberta: 'roberta',
  'xlm-roberta': 'roberta',
  distilbert: 'distilbert',
};

const activations: Readonly<Record<string, Activation>> = {
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  relu: 'relu',
};

/** Most tokens that the position table has rows for. */
export const maxTokens = (config: Pick<EncoderConfig, 'positionRows' | 'positionOffset'>): number =>
  config.positionRows - config.positionOffset;

/**
 * Reads and checks a Hugging Face `config.json` of BERT (also with whole-word masking, and SimBERT), RoBERTa, XLM-R or DistilBERT.
 *
 * @param raw the parsed file @param where its name, for errors
 * @throws HoldfastError `unknown-architecture` for another `model_type`; `bad-config` naming every field that is missing, wrong or not supported
 */
export function readConfig(raw: Readonly<Record<string, unknown>>, where = 'config.json'): EncoderConfig {
  const modelType = raw['model_type'];
  const family = typeof modelType === 'string' && Object.hasOwn(families, modelType) ? families[modelType] : undefined;
  if (!family) {
    const got = modelType === undefined ? 'has no model_type' : `has model_type ${JSON.stringify(modelType)}`;
    throw new HoldfastError('unknown-architecture', `${where} ${got}; supported are ${Object.keys(families).join(', ')}.`);
  }
  const fields = fieldReader(raw, where);
  const config = family === 'distilbert' ? readDistilBert(fields) : readBert(fields, family);
  refuseUnsupported(raw, fields.report);
  if (config.hiddenSize % config.heads > 0) {
    fields.report(`its ${config.heads} attention heads must divide the hidden size ${config.hiddenSize}`);
  }
  if (maxTokens(config) < 1)
    fields.report(`max_position_embeddings ${config.positionRows} leaves no row after the offset ${config.positionOffset}`);
  if (config.padId >= config.vocabularySize)
    fields.report(`pad_token_id ${config.padId} is not below vocab_size ${config.vocabularySize}`);
  const labels = readLabels(raw['id2label'], fields.report);
  fields.check();
  const architectures = Array.isArray(raw['architectures']) ? raw['architectures'].map(String) : [];
  return { family, ...config, architectures, ...(labels && { labels }), raw };
}

type Shape = Omit<EncoderConfig, 'family' | 'architectures' | 'labels' | 'raw'>;

function readBert({ count, rate, positive, oneOf, flag }: Fields, family: Family): Shape {
  const hidden = rate('hidden_dropout_prob', 0.1);
  const classifier = rate('classifier_dropout', hidden);
  const padId = count('pad_token_id', { least: 0, otherwise: family === 'roberta' ? 1 : 0 });
  return {
    layers: count('num_hidden_layers'),
    hiddenSize: count('hidden_size'),
    heads: count('num_attention_heads'),
    intermediateSize: count('intermediate_size'),
    activation: oneOf('hidden_act', activations, 'gelu'),
    epsilon: positive('layer_norm_eps', 1e-12),
    positionRows: count('max_position_embeddings'),
    positionOffset: family === 'roberta' ? padId + 1 : 0,
    typeCount: count('type_vocab_size', { otherwise: 2 }),
    vocabularySize: count('vocab_size'),
    padId,
    dropout: {
      embeddings: hidden,
      attention: rate('attention_probs_dropout_prob', 0.1),
      attentionOutput: hidden,
      output: hidden,
      poolerInput: family === 'roberta' ? classifier : 0,
      classifier,
    },
    initializerRange: positive('initializer_range', 0.02),
    tied: flag('tie_word_embeddings', true),
  };
}

function readDistilBert({ count, rate, positive, oneOf, flag }: Fields): Shape {
  const dropout = rate('dropout', 0.1);
  return {
    layers: count('n_layers', { alias: 'num_hidden_layers' }),
    hiddenSize: count('dim', { alias: 'hidden_size' }),
    heads: count('n_heads', { alias: 'num_attention_heads' }),
    intermediateSize: count('hidden_dim'),
    activation: oneOf('activation', activations, 'gelu'),
    epsilon: 1e-12,
    positionRows: count('max_position_embeddings'),
    positionOffset: 0,
    typeCount: 0,
    vocabularySize: count('vocab_size'),
    padId: count('pad_token_id', { least: 0, otherwise: 0 }),
    // The reference has no dropout after DistilBERT's attention output.
    dropout: {
      embeddings: dropout,
      attention: rate('attention_dropout', 0.1),
      attentionOutput: 0,
      output: dropout,
      poolerInput: 0,
      classifier: rate('seq_classif_dropout', 0.2),
    },
    initializerRange: positive('initializer_range', 0.02),
    tied: flag('tie_word_embeddings', true),
  };
}

function refuseUnsupported(raw: Readonly<Record<string, unknown>>, report: (problem: string) => void): void {
  const positions = raw['position_embedding_type'] ?? 'absolute';
  if (positions !== 'absolute') report(`position_embedding_type ${JSON.stringify(positions)} is not supported, only "absolute"`);
  for (const field of ['is_decoder', 'add_cross_attention'])
    if (raw[field] === true) report(`${field} is true, but only encoders are supported`);
}

function readLabels(value: unknown, report: (problem: string) => void): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const labels = isRecord(value) ? Object.keys(value).map((_, i) => value[String(i)]) : [];
  if (labels.length > 0 && labels.every((label): label is string => typeof label === 'string')) return labels;
  report('id2label must map "0", "1", … to the names of the labels');
  return undefined;
}

type Fields = ReturnType<typeof fieldReader>;

/** Typed access that goes on after a bad field, so that all of them are reported. */
function fieldReader(raw: Readonly<Record<string, unknown>>, where: string) {
  const issues: Issue[] = [];
  const report = (message: string): void => void issues.push({ message, file: where });
  const present = (name: string): unknown => raw[name] ?? undefined;
  const number = (name: string, value: unknown, wanted: string, accept: (value: number) => boolean): number => {
    // NaN stands for a value that was reported already; no comparison holds for it, so nothing follows from it.
    if (typeof value === 'number' && (accept(value) || Number.isNaN(value))) return value;
    report(value === undefined ? `${name} is missing` : `${name} must be ${wanted}, got ${JSON.stringify(value)}`);
    return NaN;
  };
  return {
    report,
    count: (
      name: string,
      { alias = name, otherwise, least = 1 }: { alias?: string; otherwise?: number; least?: number } = {},
    ): number =>
      number(
        name,
        present(name) ?? present(alias) ?? otherwise,
        `a whole number ≥ ${least}`,
        (n) => Number.isSafeInteger(n) && n >= least,
      ),
    rate: (name: string, otherwise: number): number =>
      number(name, present(name) ?? otherwise, 'a number from 0 to below 1', (n) => n >= 0 && n < 1),
    positive: (name: string, otherwise: number): number =>
      number(name, present(name) ?? otherwise, 'a number above 0', (n) => n > 0 && Number.isFinite(n)),
    flag: (name: string, otherwise: boolean): boolean => (present(name) ?? otherwise) === true,
    oneOf<T>(name: string, choices: Readonly<Record<string, T>>, otherwise: string): T {
      const value = present(name) ?? otherwise;
      const known = typeof value === 'string' && Object.hasOwn(choices, value);
      if (!known) report(`${name} must be one of ${Object.keys(choices).join(', ')}, got ${JSON.stringify(value)}`);
      return choices[known ? value : otherwise]!;
    },
    check(): void {
      if (issues.length === 0) return;
      throw new HoldfastError('bad-config', `${where}: ${issues.map(({ message }) => message).join('; ')}.`, { issues });
    },
  };
}
