import type { EncoderConfig, Family } from './config';

/** The names of a linear map's or a LayerNorm's two weights. */
export interface Affine {
  readonly weight: string;
  readonly bias: string;
}

export interface LayerNames {
  readonly query: Affine;
  readonly key: Affine;
  readonly value: Affine;
  readonly attentionOutput: Affine;
  readonly attentionNorm: Affine;
  readonly intermediate: Affine;
  readonly output: Affine;
  readonly outputNorm: Affine;
}

/** Checkpoint names by role. */
export interface Names {
  readonly words: string;
  readonly positions: string;
  /** Absent where there are no token types. */
  readonly types?: string;
  readonly embeddingsNorm: Affine;
  readonly layers: readonly LayerNames[];
  /** What stands between the first token's state and the classifier. */
  readonly pooler: Affine;
  readonly maskedLm: { readonly dense: Affine; readonly norm: Affine; readonly bias: string };
  /** The classifier of a file in Hugging Face's layout. */
  readonly classifier: Affine;
}

/** What the reference puts before the encoder's names inside a model with a head. */
export const prefixOf: Readonly<Record<Family, string>> = { bert: 'bert.', roberta: 'roberta.', distilbert: 'distilbert.' };

const affine = (name: string): Affine => ({ weight: `${name}.weight`, bias: `${name}.bias` });

const parts: Readonly<Record<Family, { layer: string } & Record<keyof LayerNames, string>>> = (() => {
  const bert = {
    layer: 'encoder.layer',
    query: 'attention.self.query',
    key: 'attention.self.key',
    value: 'attention.self.value',
    attentionOutput: 'attention.output.dense',
    attentionNorm: 'attention.output.LayerNorm',
    intermediate: 'intermediate.dense',
    output: 'output.dense',
    outputNorm: 'output.LayerNorm',
  };
  const distilbert = {
    layer: 'transformer.layer',
    query: 'attention.q_lin',
    key: 'attention.k_lin',
    value: 'attention.v_lin',
    attentionOutput: 'attention.out_lin',
    attentionNorm: 'sa_layer_norm',
    intermediate: 'ffn.lin1',
    output: 'ffn.lin2',
    outputNorm: 'output_layer_norm',
  };
  return { bert, roberta: bert, distilbert };
})();

const maskedLmNames: Readonly<Record<Family, Names['maskedLm']>> = {
  bert: {
    dense: affine('cls.predictions.transform.dense'),
    norm: affine('cls.predictions.transform.LayerNorm'),
    bias: 'cls.predictions.bias',
  },
  roberta: { dense: affine('lm_head.dense'), norm: affine('lm_head.layer_norm'), bias: 'lm_head.bias' },
  distilbert: { dense: affine('vocab_transform'), norm: affine('vocab_layer_norm'), bias: 'vocab_projector.bias' },
};

/** The names of an encoder's weights, with its checkpoint's prefix (or none) before those of the encoder itself. */
export function namesOf({ family, layers, typeCount }: EncoderConfig, prefix: string): Names {
  const { layer, ...roles } = parts[family];
  const layerNames = (l: number) =>
    Object.fromEntries(Object.entries(roles).map(([role, part]) => [role, affine(`${prefix}${layer}.${l}.${part}`)])) as Record<
      keyof LayerNames,
      Affine
    >;
  const pooler = { bert: `${prefix}pooler.dense`, roberta: 'classifier.dense', distilbert: 'pre_classifier' };
  return {
    words: `${prefix}embeddings.word_embeddings.weight`,
    positions: `${prefix}embeddings.position_embeddings.weight`,
    ...(typeCount > 0 && { types: `${prefix}embeddings.token_type_embeddings.weight` }),
    embeddingsNorm: affine(`${prefix}embeddings.LayerNorm`),
    layers: Array.from({ length: layers }, (_, l) => layerNames(l)),
    pooler: affine(pooler[family]),
    maskedLm: maskedLmNames[family],
    classifier: affine(family === 'roberta' ? 'classifier.out_proj' : 'classifier'),
  };
}

/** Copies of the tied decoder that some checkpoints carry: the table, and the bias. */
export const decoderCopies: Readonly<Record<Family, { readonly table: string; readonly bias?: string }>> = {
  bert: { table: 'cls.predictions.decoder.weight', bias: 'cls.predictions.decoder.bias' },
  roberta: { table: 'lm_head.decoder.weight', bias: 'lm_head.decoder.bias' },
  distilbert: { table: 'vocab_projector.weight' },
};

/** What a checkpoint may hold and no part here reads: buffers, the next-sentence head, RoBERTa's pooler (its classifier has its own). */
export const isIgnored = (name: string, family: Family): boolean =>
  /(^|\.)embeddings\.(position_ids|token_type_ids)$/.test(name) ||
  /^cls\.seq_relationship\.(weight|bias)$/.test(name) ||
  (family === 'roberta' && /^(roberta\.)?pooler\.dense\.(weight|bias)$/.test(name));

/** Old checkpoints call a LayerNorm's weights gamma and beta. */
export const modernName = (name: string): string =>
  name.replace(/(LayerNorm|layer_norm)\.gamma$/, '$1.weight').replace(/(LayerNorm|layer_norm)\.beta$/, '$1.bias');

/** The prefix of the encoder's names in a checkpoint; undefined if there are no word embeddings in it. */
export function prefixIn(names: Iterable<string>, family: Family): string | undefined {
  const known = new Set(names);
  return ['', prefixOf[family]].find((prefix) => known.has(`${prefix}embeddings.word_embeddings.weight`));
}
