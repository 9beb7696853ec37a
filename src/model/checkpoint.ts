import type { Issue } from '../core/errors';
import type { EncoderConfig } from './config';
import type { HeadRecord } from './heads';
import { decoderCopies, isIgnored, modernName, namesOf, prefixIn } from './names';
import { badWeights, isReadable, type TensorEntry } from './safetensors';
import { encoderPlan, headPlan, maskedLmPlan, poolerPlan, type PlannedWeight } from './weightPlan';

/** One tensor of the file and the weights that it becomes: itself, or the blocks of the heads that it merges. */
export interface Source {
  readonly entry: TensorEntry;
  readonly weights: readonly PlannedWeight[];
}

/** What a checkpoint holds, matched against the architecture; no values read yet. */
export interface Checkpoint {
  /** What the encoder's names begin with in memory. */
  readonly prefix: string;
  readonly sources: readonly Source[];
  readonly hasPooler: boolean;
  /** A decoder that must equal the word embeddings: its entry and theirs. */
  readonly untied?: readonly [copy: TensorEntry, table: TensorEntry];
}

export interface CheckpointOptions {
  readonly where: string;
  /** Of the names in memory. Default: as in the file. */
  readonly prefix: string | undefined;
  /** The file's heads. */
  readonly heads: readonly HeadRecord[];
  /** Names of the merged heads in the file. */
  readonly merged: { readonly weight: string; readonly bias: string } | undefined;
}

/**
 * Matches names and shapes.
 *
 * @throws HoldfastError `bad-weights` with every tensor that is missing, surplus, of another shape or of an unreadable type
 */
export function matchCheckpoint(
  index: ReadonlyMap<string, TensorEntry>,
  config: EncoderConfig,
  options: CheckpointOptions,
): Checkpoint {
  const issues: Issue[] = [];
  const entries = modernised(index, issues);
  const filePrefix = prefixIn(entries.keys(), config.family) ?? '';
  const prefix = options.prefix ?? filePrefix;
  const [file, memory] = [namesOf(config, filePrefix), namesOf(config, prefix)];
  const sources: Source[] = [];

  const take = (name: string, weights: readonly PlannedWeight[], shape: readonly number[]): void => {
    const entry = entries.get(name);
    entries.delete(name);
    if (!entry) return void issues.push({ message: `tensor '${name}' is missing` });
    if (!isReadable(entry.dtype))
      issues.push({ message: `tensor '${name}' is of type ${entry.dtype}, wanted F32, F16 or BF16`, file: entry.file });
    if (entry.shape.join() === shape.join()) return void sources.push({ entry, weights });
    issues.push({
      message: `tensor '${name}' has shape [${entry.shape.join(', ')}], config.json wants [${shape.join(', ')}]`,
      file: entry.file,
    });
  };
  const takeAll = (inFile: readonly PlannedWeight[], inMemory: readonly PlannedWeight[]): void =>
    inFile.forEach(({ name, shape }, i) => take(name, [inMemory[i]!], shape));
  const holds = (plan: readonly PlannedWeight[]): boolean => plan.some(({ name }) => entries.has(name));

  // Some writers store the shared bias under the decoder's name only.
  const copies = decoderCopies[config.family];
  const biasCopy = copies.bias === undefined ? undefined : entries.get(copies.bias);
  if (biasCopy && !entries.has(file.maskedLm.bias)) entries.set(file.maskedLm.bias, biasCopy);
  if (copies.bias !== undefined) entries.delete(copies.bias);
  const tableCopy = entries.get(copies.table);
  entries.delete(copies.table);
  const table = entries.get(file.words);

  takeAll(encoderPlan(config, file), encoderPlan(config, memory));
  const hasPooler = holds(poolerPlan(config, file));
  if (hasPooler) takeAll(poolerPlan(config, file), poolerPlan(config, memory));
  if (holds(maskedLmPlan(config, file))) takeAll(maskedLmPlan(config, file), maskedLmPlan(config, memory));
  if (options.merged && options.heads.length > 0) {
    const blocks = options.heads.map(({ name, labels }) => headPlan(config, name, labels.length));
    const classes = options.heads.reduce((count, { labels }) => count + labels.length, 0);
    take(
      options.merged.weight,
      blocks.map(([weight]) => weight!),
      [classes, config.hiddenSize],
    );
    take(
      options.merged.bias,
      blocks.map(([, bias]) => bias!),
      [classes],
    );
  }
  for (const [name, { file: from }] of entries) {
    if (!isIgnored(name, config.family))
      issues.push({
        message: `tensor '${name}' does not belong to a ${String(config.raw['model_type'])} encoder with the heads supported here`,
        file: from,
      });
  }
  if (issues.length > 0) throw badWeights(options.where, issues);
  return { prefix, sources, hasPooler, ...(tableCopy && table && !config.tied && { untied: [tableCopy, table] as const }) };
}

function modernised(index: ReadonlyMap<string, TensorEntry>, issues: Issue[]): Map<string, TensorEntry> {
  const entries = new Map<string, TensorEntry>();
  for (const [name, entry] of index) {
    const modern = modernName(name);
    if (entries.has(modern))
      issues.push({ message: `tensor '${modern}' is there under its old and its new name`, file: entry.file });
    entries.set(modern, entry);
  }
  return entries;
}

/** The heads in a checkpoint: as `holdfast.json` says, or one from Python's classifier with the labels of `config.json`. */
export function headsIn(
  index: ReadonlyMap<string, TensorEntry>,
  config: EncoderConfig,
): Pick<CheckpointOptions, 'heads' | 'merged'> {
  const { classifier } = namesOf(config, '');
  const rows = index.get(classifier.weight)?.shape[0];
  const named =
    config.architectures.length === 0 || config.architectures.some((name) => name.endsWith('ForSequenceClassification'));
  if (rows === undefined || !named) return { heads: [], merged: undefined };
  const labels = config.labels ?? Array.from({ length: rows }, (_, i) => `LABEL_${i}`);
  return { heads: [{ name: 'default', labels }], merged: classifier };
}
