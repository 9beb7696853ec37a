import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const H = 16;
const INNER = 32;
const LAYERS = 1;
const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
/** Whole words, for label words in examples. */
const words = ['bill', 'invoice', 'money'];
const vocabulary = [...special, ...letters, ...letters.map((letter) => `##${letter}`), ...words];

/** A random BERT of one layer in a Hugging Face folder that spells nearly every word: stands in for a real model where there is none. */
export function writeTinyCheckpoint(folder: string, { masked = false } = {}): void {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, content: object) => writeFileSync(path.join(folder, name), JSON.stringify(content));
  write('config.json', {
    model_type: 'bert',
    architectures: [masked ? 'BertForMaskedLM' : 'BertModel'],
    vocab_size: vocabulary.length,
    hidden_size: H,
    num_hidden_layers: LAYERS,
    num_attention_heads: 2,
    intermediate_size: INNER,
    hidden_act: 'gelu',
    hidden_dropout_prob: 0.1,
    attention_probs_dropout_prob: 0.1,
    max_position_embeddings: 64,
    type_vocab_size: 2,
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
  });
  write('tokenizer.json', tokenizer());
  writeFileSync(path.join(folder, 'model.safetensors'), safetensors({ ...shapes(), ...(masked && maskedLmShapes()) }));
}

function shapes(): Record<string, number[]> {
  const linear = (name: string, out: number, into: number) => ({ [`${name}.weight`]: [out, into], [`${name}.bias`]: [out] });
  const norm = (name: string) => ({ [`${name}.weight`]: [H], [`${name}.bias`]: [H] });
  const layer = (at: string) => ({
    ...linear(`${at}.attention.self.query`, H, H),
    ...linear(`${at}.attention.self.key`, H, H),
    ...linear(`${at}.attention.self.value`, H, H),
    ...linear(`${at}.attention.output.dense`, H, H),
    ...norm(`${at}.attention.output.LayerNorm`),
    ...linear(`${at}.intermediate.dense`, INNER, H),
    ...linear(`${at}.output.dense`, H, INNER),
    ...norm(`${at}.output.LayerNorm`),
  });
  return {
    'embeddings.word_embeddings.weight': [vocabulary.length, H],
    'embeddings.position_embeddings.weight': [64, H],
    'embeddings.token_type_embeddings.weight': [2, H],
    ...norm('embeddings.LayerNorm'),
    ...Object.fromEntries(Array.from({ length: LAYERS }, (_, i) => Object.entries(layer(`encoder.layer.${i}`))).flat()),
    ...linear('pooler.dense', H, H),
  };
}

const maskedLmShapes = (): Record<string, number[]> => ({
  'cls.predictions.transform.dense.weight': [H, H],
  'cls.predictions.transform.dense.bias': [H],
  'cls.predictions.transform.LayerNorm.weight': [H],
  'cls.predictions.transform.LayerNorm.bias': [H],
  'cls.predictions.bias': [vocabulary.length],
});

/** Header length (uint64), header (JSON), then the float32 numbers. */
function safetensors(tensors: Record<string, number[]>): Buffer {
  const header: Record<string, object> = {};
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, shape] of Object.entries(tensors)) {
    const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => valueOf(name, at + i));
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + values.byteLength] };
    parts.push(Buffer.from(values.buffer));
    at += values.byteLength;
  }
  const text = JSON.stringify(header);
  const head = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(head.length));
  return Buffer.concat([length, head, ...parts]);
}

const valueOf = (name: string, i: number): number => {
  if (name.endsWith('LayerNorm.weight')) return 1;
  if (name.endsWith('bias')) return 0;
  return 0.2 * Math.sin(12.9898 * (i + 1));
};

const tokenizer = () => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: special.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
      { Sequence: { id: 'B', type_id: 1 } },
      { SpecialToken: { id: '[SEP]', type_id: 1 } },
    ],
    special_tokens: Object.fromEntries(
      ['[CLS]', '[SEP]'].map((token) => [token, { id: token, ids: [special.indexOf(token)], tokens: [token] }]),
    ),
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
});
