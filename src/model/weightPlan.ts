import type { EncoderConfig } from './config';
import type { Affine, Names } from './names';

/** Which part of the model a weight belongs to. */
export type Part = 'embeddings' | 'layer' | 'pooler' | 'maskedLm' | 'head';

/** One weight, as `setTrainable`'s predicate sees it. */
export interface WeightInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly part: Part;
  /** For weights of a layer: its number from below, from 0. */
  readonly layer?: number;
  /** For weights of a layer: its number from the top; the last layer is 0. */
  readonly fromTop?: number;
}

type Kind = 'linear' | 'norm' | 'table' | 'bias';

/** A weight that a checkpoint must hold, and how a fresh one starts. */
export interface PlannedWeight extends WeightInfo {
  readonly start: 'normal' | 'ones' | 'zeros';
}

const starts: Readonly<Record<Kind, PlannedWeight['start']>> = { linear: 'normal', table: 'normal', norm: 'ones', bias: 'zeros' };

const pair = (
  names: Affine,
  kind: 'linear' | 'norm',
  shape: readonly number[],
  where: Omit<WeightInfo, 'name' | 'shape'>,
): PlannedWeight[] => [
  { name: names.weight, shape, start: starts[kind], ...where },
  { name: names.bias, shape: shape.slice(0, 1), start: 'zeros', ...where },
];

/** The weights of the encoder proper: embeddings and layers. */
export function encoderPlan(config: EncoderConfig, names: Names): PlannedWeight[] {
  const { hiddenSize: H, intermediateSize: I, vocabularySize: V } = config;
  const table = (name: string, rows: number): PlannedWeight => ({ name, shape: [rows, H], part: 'embeddings', start: 'normal' });
  const layers = names.layers.flatMap((layer, l) => {
    const where = { part: 'layer', layer: l, fromTop: config.layers - 1 - l } as const;
    return [
      ...pair(layer.query, 'linear', [H, H], where),
      ...pair(layer.key, 'linear', [H, H], where),
      ...pair(layer.value, 'linear', [H, H], where),
      ...pair(layer.attentionOutput, 'linear', [H, H], where),
      ...pair(layer.attentionNorm, 'norm', [H], where),
      ...pair(layer.intermediate, 'linear', [I, H], where),
      ...pair(layer.output, 'linear', [H, I], where),
      ...pair(layer.outputNorm, 'norm', [H], where),
    ];
  });
  return [
    table(names.words, V),
    table(names.positions, config.positionRows),
    ...(names.types === undefined ? [] : [table(names.types, config.typeCount)]),
    ...pair(names.embeddingsNorm, 'norm', [H], { part: 'embeddings' }),
    ...layers,
  ];
}

export const poolerPlan = ({ hiddenSize: H }: EncoderConfig, { pooler }: Names): PlannedWeight[] =>
  pair(pooler, 'linear', [H, H], { part: 'pooler' });

/** The masked-language head's own weights; its decoder is the word embedding table. */
export function maskedLmPlan({ hiddenSize: H, vocabularySize: V }: EncoderConfig, { maskedLm }: Names): PlannedWeight[] {
  const where = { part: 'maskedLm' } as const;
  return [
    ...pair(maskedLm.dense, 'linear', [H, H], where),
    ...pair(maskedLm.norm, 'norm', [H], where),
    { name: maskedLm.bias, shape: [V], start: 'zeros', ...where },
  ];
}

/** The names of a head's block. */
export const headNames = (head: string): Affine => ({ weight: `classifier.${head}.weight`, bias: `classifier.${head}.bias` });

export const headPlan = ({ hiddenSize: H }: EncoderConfig, head: string, classes: number): PlannedWeight[] =>
  pair(headNames(head), 'linear', [classes, H], { part: 'head' });
