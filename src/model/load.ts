import * as tf from '@tensorflow/tfjs';
import { HoldfastError, badArgument, requireCount } from '../core/errors';
import { useEngine } from '../engine/engines';
import { headsIn, matchCheckpoint, type Checkpoint, type CheckpointOptions } from './checkpoint';
import { carriedFiles, defaultLength, sentencePooling } from './companions';
import { maxTokens, readConfig, type EncoderConfig } from './config';
import { fileNotFound, readJson, type Files } from './files';
import { freshWeight } from './freshWeights';
import { labelProblem, mergedHeads, type HeadRecord } from './heads';
import { assembleModel, type PretrainedModel, type SharedTokenizer } from './model';
import { namesOf } from './names';
import { requirePooling, type Pooling } from './pooling';
import { readWeights } from './readWeights';
import { badWeights, readTensorIndex } from './safetensors';
import { restoreFrom } from './restoreKept';
import { readSidecar, type Sidecar } from './sidecar';
import { loadTokenizer } from '../tokenizer/loadTokenizer';
import type { Keep } from './capture';
import type { Trainable } from './trainable';
import type { Tokenizer } from './types';
import { headNames, poolerPlan, type WeightInfo } from './weightPlan';

export interface LoadOptions {
  /**
   * How a text's vector comes from its tokens. Default: as it was saved; else what sentence-transformers' `1_Pooling/config.json` says;
   * `pooler` for a `…ForSequenceClassification` checkpoint; else `mean`.
   */
  readonly pooling?: Pooling;
  /** Most tokens of one input. Default: as it was saved, else what the tokenizer's files say, at most what the model has positions for. */
  readonly maxLength?: number;
  /** Instead of the folder's; stays the caller's. */
  readonly tokenizer?: Tokenizer;
  /** Which weights training may change. Default all that are in use. */
  readonly trainable?: Trainable;
  /** False leaves the folder's heads out. Default true. */
  readonly heads?: boolean;
  /**
   * What was saved with the model (see `SaveOptions.keep`), under the same names: each gets its state back, or none does. All names must be
   * there. Default: the model alone is loaded.
   */
  readonly keep?: Keep;
  /** Of fresh pooler weights, for `pooling: 'pooler'` on a checkpoint without them; default: such a checkpoint is refused. */
  readonly seed?: number;
}

/**
 * Opens a pretrained or a saved model: BERT, RoBERTa, XLM-R or DistilBERT in Hugging Face's layout.
 *
 * Reads `config.json`, `model.safetensors` (float32, float16, bfloat16; also in shards) and `tokenizer.json`; computes in float32. Runs no code and
 * downloads nothing. Everything is checked before a value is read, and after an error nothing stays loaded.
 *
 * **Needs** memory of 4 bytes per weight, and while loading twice the largest tensor.
 * **Differs from Python**: a checkpoint with tensors that no part here reads is refused, not loaded with a warning; the next-sentence head and RoBERTa's
 * unused pooler are left out, and what sentence-transformers does after the pooling (`Normalize`, `Dense`). Padding is taken from the attention
 * mask and must stand at the end.
 *
 * @param source path of a folder (Node), or its files
 * @throws HoldfastError `not-found`, `unknown-architecture`, `bad-config`, `bad-weights`, `bad-tokenizer`, `newer-format`; `bad-argument` if
 *   other pooling is asked for than the folder's heads were trained with, or `keep` names others than were saved
 * @see https://huggingface.co/docs/safetensors for the format
 * @example
 * await using model = await loadModel('./minilm', { pooling: 'mean' });
 */
export async function loadModel(source: string | Files, options: LoadOptions = {}): Promise<PretrainedModel> {
  checkOptions(options);
  const files = typeof source === 'string' ? await (await import('./folder')).openFolder(source) : source;
  const raw = await readJson(files, 'config.json');
  if (!raw) throw fileNotFound('config.json', files.name);
  const config = readConfig(raw, `'config.json' in ${files.name}`);
  const sidecar = await readSidecar(files);
  const index = await readTensorIndex(files);
  const held = headsOf(sidecar, headsIn(index, config), config, files.name);
  const checkpoint = matchCheckpoint(index, config, { where: files.name, prefix: sidecar?.prefix, ...held });
  const trained = sidecar?.pooling ?? (held.heads.length > 0 ? 'pooler' : undefined);
  const pooling = options.pooling ?? trained ?? (await sentencePooling(files)) ?? 'mean';
  const heads = options.heads === false ? [] : held.heads;
  if (heads.length > 0 && trained !== undefined && pooling !== trained) {
    throw badArgument(
      'loadModel',
      `pooling is '${pooling}', but the heads in ${files.name} were trained with '${trained}': leave pooling out, or pass heads: false`,
    );
  }
  requirePooler(checkpoint, pooling, config, options, files.name);
  const maxLength = lengthOf(options, sidecar?.maxLength ?? (await defaultLength(files)), config);
  const carried = await carriedFiles(files, pooling);

  if (!tf.getBackend()) await useEngine();
  const tokenizer: SharedTokenizer = {
    tokenizer: options.tokenizer ?? (await loadTokenizer(files)),
    users: 0,
    owned: options.tokenizer === undefined,
  };
  const weights = new Map<WeightInfo, tf.Variable>();
  try {
    checkVocabulary(tokenizer.tokenizer, config, sidecar !== undefined, files.name);
    await readWeights(files, checkpoint, sidecar?.hash, weights);
    if (heads.length === 0) dropHeads(weights);
    if (pooling === 'pooler' && !checkpoint.hasPooler) addPooler(weights, config, checkpoint.prefix, options.seed!);
    const { prefix } = checkpoint;
    const model = assembleModel({
      config,
      prefix,
      pooling,
      maxLength,
      tokenizer,
      weights: headByHead(weights, heads),
      heads,
      carried,
      ...(options.trainable && { trainable: options.trainable }),
    });
    if (options.keep) await restoreFrom('loadModel', files, sidecar?.state, options.keep, model);
    return model;
  } catch (cause) {
    weights.forEach((variable) => variable.dispose());
    if (tokenizer.owned) tokenizer.tokenizer.dispose();
    throw cause;
  }
}

function checkOptions({ pooling, maxLength, seed }: LoadOptions): void {
  if (pooling !== undefined) requirePooling('loadModel', pooling);
  if (maxLength !== undefined) requireCount('loadModel', 'maxLength', maxLength);
  if (seed !== undefined) requireCount('loadModel', 'seed', seed, 0);
}

/** The heads of the folder and where they are in the file. */
function headsOf(sidecar: Sidecar | undefined, python: HeldHeads, config: EncoderConfig, where: string): HeldHeads {
  if (sidecar) {
    const merged = sidecar.pooling === 'pooler' ? namesOf(config, '').classifier : mergedHeads;
    return sidecar.heads.length > 0 ? { heads: sidecar.heads, merged } : { heads: [], merged: undefined };
  }
  const problem = python.heads.map(({ labels }) => labelProblem(labels)).find((found) => found !== undefined);
  if (problem) throw new HoldfastError('bad-config', `'config.json' in ${where}: id2label: ${problem}.`);
  return python;
}

type HeldHeads = Pick<CheckpointOptions, 'heads' | 'merged'>;

function requirePooler(
  { hasPooler, prefix }: Checkpoint,
  pooling: Pooling,
  config: EncoderConfig,
  { seed }: LoadOptions,
  where: string,
): void {
  if (pooling !== 'pooler' || hasPooler || seed !== undefined) return;
  const issues = poolerPlan(config, namesOf(config, prefix)).map(({ name }) => ({
    message: `pooling 'pooler' needs tensor '${name}', which is missing (pass a seed to start it fresh)`,
  }));
  throw badWeights(where, issues);
}

function lengthOf({ maxLength }: LoadOptions, found: number | undefined, config: EncoderConfig): number {
  const most = maxTokens(config);
  if (maxLength !== undefined && maxLength > most)
    throw badArgument('loadModel', `maxLength ${maxLength} is more than the ${most} tokens that the model has positions for`);
  return Math.min(maxLength ?? found ?? most, most);
}

/**
 * A table may have a few rows more than the tokenizer has ids: some checkpoints pad it to a multiple of 128. One that was saved here may have
 * any number, as `createModel` allows.
 */
function checkVocabulary(
  { vocabularySize }: Tokenizer,
  { vocabularySize: rows }: EncoderConfig,
  saved: boolean,
  where: string,
): void {
  if (vocabularySize <= rows && (saved || rows <= Math.ceil(vocabularySize / 128) * 128)) return;
  throw new HoldfastError(
    'bad-tokenizer',
    `The tokenizer in ${where} has ${vocabularySize} ids, the model's vocabulary ${rows}: they do not belong together.`,
  );
}

/** As `addHead` adds them, not as they lie in the file: sums over all weights, such as a norm, run in their order, and its bits with it. */
function headByHead(weights: ReadonlyMap<WeightInfo, tf.Variable>, heads: readonly HeadRecord[]): Map<WeightInfo, tf.Variable> {
  const order = heads.map(({ name }) => headNames(name)).flatMap(({ weight, bias }) => [weight, bias]);
  return new Map([...weights].sort(([a], [b]) => order.indexOf(a.name) - order.indexOf(b.name)));
}

function dropHeads(weights: Map<WeightInfo, tf.Variable>): void {
  for (const [info, variable] of weights) {
    if (info.part !== 'head') continue;
    variable.dispose();
    weights.delete(info);
  }
}

function addPooler(weights: Map<WeightInfo, tf.Variable>, config: EncoderConfig, prefix: string, seed: number): void {
  for (const weight of poolerPlan(config, namesOf(config, prefix)))
    weights.set(weight, freshWeight(weight, config.initializerRange, seed));
}
