import type { Tensor } from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import type { EncoderConfig } from './config';
import type { CapturedState, Keep } from './capture';
import { contentHash } from './contentHash';
import { sidecarName, weightsName, type FileSink } from './files';
import { mergedHeads, mergedLabels, type HeadRecord } from './heads';
import { namesOf, prefixOf } from './names';
import type { Pooling } from './pooling';
import { sidecarFormat, type Sidecar } from './sidecar';
import { stateNames, writeState } from './stateFiles';
import { encoderPlan, headNames, maskedLmPlan, poolerPlan } from './weightPlan';
import { precisions, safetensorsParts, type OutgoingTensor, type Precision } from './writeSafetensors';

export interface SaveOptions {
  /** How the weights are stored. float16 halves the file and rounds to 11 bits. Default float32, bit for bit. */
  readonly precision?: Precision;
  /**
   * What shall be saved with the model, under names of your choice: `{ guard, memory, matrix }`. All that they hold goes into the folder bit for
   * bit, whatever the precision of the weights; **texts in a memory are then in it in plain**. Default: none, and what an earlier save kept is dropped.
   */
  readonly keep?: Keep;
}

/** A model at one moment, to be written. */
export interface Snapshot {
  readonly config: EncoderConfig;
  readonly pooling: Pooling;
  readonly prefix: string;
  readonly maxLength: number;
  readonly heads: readonly HeadRecord[];
  readonly weights: Readonly<Record<string, Tensor>>;
  /** The tokenizer's files and whatever else goes along unchanged. */
  readonly carried: ReadonlyMap<string, Uint8Array>;
  readonly state?: CapturedState;
}

/** Writes a model in Hugging Face's layout, and `holdfast.json` last. */
export async function writeModel(
  snapshot: Snapshot,
  sink: FileSink,
  { precision = 'float32' }: Pick<SaveOptions, 'precision'> = {},
): Promise<void> {
  if (!precisions.includes(precision))
    throw badArgument('save', `precision must be one of ${precisions.join(', ')}, got ${JSON.stringify(precision)}`);
  const hash = contentHash();
  const architecture = architectureOf(snapshot);
  const tensors = outgoing(snapshot, architecture.endsWith('Model') ? snapshot.prefix : prefixOf[snapshot.config.family]);
  await sink.write(
    weightsName,
    safetensorsParts(tensors, precision, (name, bytes) => hash.add(name, bytes)),
  );
  await sink.write('config.json', json(configOf(snapshot, architecture, precision)));
  for (const [name, bytes] of snapshot.carried) await sink.write(name, [bytes]);
  const digest = await hash.digest();
  const state = snapshot.state && (await writeState(snapshot.state, sink));
  const sidecar: Sidecar = {
    format: sidecarFormat,
    pooling: snapshot.pooling,
    maxLength: snapshot.maxLength,
    prefix: snapshot.prefix,
    heads: snapshot.heads,
    ...(digest !== undefined && { hash: digest }),
    ...(state && { state }),
    files: [weightsName, 'config.json', ...snapshot.carried.keys(), ...(state ? stateNames : [])],
  };
  await sink.write(sidecarName, json(sidecar));
}

const json = (value: unknown): Uint8Array[] => [new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)];

const classNames: Readonly<Record<string, string>> = {
  bert: 'Bert',
  roberta: 'Roberta',
  'xlm-roberta': 'XLMRoberta',
  distilbert: 'DistilBert',
};

/** The class of Python's transformers that computes the same from this folder. */
function architectureOf({ config, pooling, heads, weights, prefix }: Snapshot): string {
  const name = classNames[String(config.raw['model_type'])]!;
  if (pooling === 'pooler' && heads.length > 0) return `${name}ForSequenceClassification`;
  return namesOf(config, prefix).maskedLm.bias in weights ? `${name}ForMaskedLM` : `${name}Model`;
}

function configOf({ config, heads }: Snapshot, architecture: string, precision: Precision): Record<string, unknown> {
  // Of the file as read, all stays but what describes the head and the numbers.
  const stale = new Set(['architectures', 'id2label', 'label2id', 'num_labels', 'problem_type', 'dtype', 'torch_dtype']);
  const rest = Object.fromEntries(Object.entries(config.raw).filter(([field]) => !stale.has(field)));
  const labels = mergedLabels(heads);
  return {
    ...rest,
    architectures: [architecture],
    torch_dtype: precision,
    ...(labels.length > 0 && {
      num_labels: labels.length,
      id2label: Object.fromEntries(labels.map((label, i) => [String(i), label])),
      label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
      problem_type: 'single_label_classification',
    }),
  };
}

/** The weights under the names of the file: the encoder's with its prefix, the heads' blocks merged into one. */
function outgoing({ config, weights, prefix, heads, pooling }: Snapshot, filePrefix: string): OutgoingTensor[] {
  const [ours, theirs] = [prefix, filePrefix].map((one) => {
    const names = namesOf(config, one);
    return [...encoderPlan(config, names), ...poolerPlan(config, names), ...maskedLmPlan(config, names)];
  }) as [ReturnType<typeof encoderPlan>, ReturnType<typeof encoderPlan>];
  const plain = ours.flatMap(({ name }, i): OutgoingTensor[] => {
    const tensor = weights[name];
    return tensor ? [{ name: theirs[i]!.name, shape: tensor.shape, values: () => valuesOf(tensor) }] : [];
  });
  if (heads.length === 0) return plain;
  const classes = heads.reduce((count, { labels }) => count + labels.length, 0);
  const merged = pooling === 'pooler' ? namesOf(config, filePrefix).classifier : mergedHeads;
  const blocks = heads.map(({ name }) => headNames(name));
  return [
    ...plain,
    {
      name: merged.weight,
      shape: [classes, config.hiddenSize],
      values: () => concatenated(blocks.map(({ weight }) => weights[weight]!)),
    },
    { name: merged.bias, shape: [classes], values: () => concatenated(blocks.map(({ bias }) => weights[bias]!)) },
  ];
}

const valuesOf = async (tensor: Tensor): Promise<Float32Array> => (await tensor.data()) as Float32Array;

/** Blocks of rows lie one after the other in memory too. */
async function concatenated(tensors: readonly Tensor[]): Promise<Float32Array> {
  const whole = new Float32Array(tensors.reduce((size, tensor) => size + tensor.size, 0));
  let at = 0;
  for (const tensor of tensors) {
    whole.set(await valuesOf(tensor), at);
    at += tensor.size;
  }
  return whole;
}
