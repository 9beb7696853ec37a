import { HoldfastError, type Issue } from '../core/errors';
import { isRecord, parseObject, readJson, weightsName, type Files } from './files';
import { fromBfloat16, fromFloat16 } from './float16';

/** A tensor in a file: where its bytes are, and what they mean. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly file: string;
  /** Of the file. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

const shardIndex = 'model.safetensors.index.json';

const byteSizes: Readonly<Record<string, number>> = {
  BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1,
  I16: 2, U16: 2, F16: 2, BF16: 2,
  I32: 4, U32: 4, F32: 4,
  I64: 8, U64: 8, F64: 8,
}; // prettier-ignore

/** Read as float32. */
export const isReadable = (dtype: string): boolean => ['F32', 'F16', 'BF16'].includes(dtype);

/**
 * All tensors of a model, without their values: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
 *
 * @throws HoldfastError `not-found` without either; `bad-weights` for a damaged file, with all that is wrong in it
 */
export async function readTensorIndex(files: Files): Promise<Map<string, TensorEntry>> {
  const entries = new Map<string, TensorEntry>();
  const issues: Issue[] = [];
  for (const file of await weightFiles(files)) {
    for (const entry of await readHeader(files, file)) {
      const twin = entries.get(entry.name);
      if (twin) issues.push({ message: `tensor '${entry.name}' is in '${twin.file}' and again in '${file}'`, file });
      entries.set(entry.name, entry);
    }
  }
  if (issues.length > 0) throw badWeights(files.name, issues);
  return entries;
}

async function weightFiles(files: Files): Promise<readonly string[]> {
  if ((await files.size(weightsName)) !== undefined) return [weightsName];
  const index = await readJson(files, shardIndex);
  if (!index) {
    const other = (await files.list()).find((name) => name.endsWith('.bin') || name.endsWith('.h5'));
    const hint = other
      ? `; '${other}' is another format: convert it with Python's save_pretrained(folder, safe_serialization=True)`
      : '';
    throw new HoldfastError('not-found', `There is no '${weightsName}' in ${files.name}${hint}.`);
  }
  const map = index['weight_map'];
  const names = isRecord(map) ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every((name): name is string => typeof name === 'string' && !/[/\\]|\.\./.test(name))) {
    throw badWeights(files.name, [{ message: 'weight_map must map tensor names to files beside it', file: shardIndex }]);
  }
  return names;
}

/** The tensors of one file. @throws HoldfastError `bad-weights` if it is damaged */
export async function readHeader(files: Files, file: string): Promise<TensorEntry[]> {
  const size = await files.size(file);
  if (size === undefined) throw badWeights(files.name, [{ message: `the shard is missing`, file }]);
  const fail = (message: string) => badWeights(files.name, [{ message, file }]);
  if (size < 8) throw fail(`is cut off: ${size} bytes, not even a header`);
  const prefix = await files.read(file, { start: 0, end: 8 });
  const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (length > 100_000_000) throw fail(`is not a safetensors file: it claims a header of ${length} bytes`);
  if (8 + length > size) throw fail(`is cut off: ${size} bytes, but the header alone takes ${8 + length}`);
  const header = parseHeader(await files.read(file, { start: 8, end: 8 + length }), fail);

  const issues: Issue[] = [];
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const entry = toEntry(name, value, file, 8 + length);
    if (typeof entry === 'string') issues.push({ message: `tensor '${name}': ${entry}`, file });
    else entries.push(entry);
  }
  if (issues.length === 0) issues.push(...layoutIssues(entries, 8 + length, size, file));
  if (issues.length > 0) throw badWeights(files.name, issues);
  return entries;
}

function parseHeader(bytes: Uint8Array, fail: (message: string) => HoldfastError): Record<string, unknown> {
  try {
    return parseObject(bytes, 'its header');
  } catch (cause) {
    throw fail(`is not a safetensors file: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** The entry, or what is wrong with it. */
function toEntry(name: string, value: unknown, file: string, base: number): TensorEntry | string {
  if (!isRecord(value)) return 'its entry is not an object';
  const { dtype, shape, data_offsets: offsets } = value;
  const itemSize = typeof dtype === 'string' && Object.hasOwn(byteSizes, dtype) ? byteSizes[dtype] : undefined;
  if (itemSize === undefined || typeof dtype !== 'string') return `unknown dtype ${JSON.stringify(dtype)}`;
  if (!isCounts(shape)) return `bad shape ${JSON.stringify(shape)}`;
  if (!isCounts(offsets) || offsets.length !== 2) return `bad data_offsets ${JSON.stringify(offsets)}`;
  const [start, end] = offsets as [number, number];
  const wanted = shape.reduce((count, length) => count * length, itemSize);
  if (end - start !== wanted)
    return `[${shape.join(', ')}] of ${dtype} takes ${wanted} bytes, its data_offsets span ${end - start}`;
  return { name, dtype, shape, file, start: base + start, end: base + end };
}

const isCounts = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);

/** The data must be covered exactly once. */
function layoutIssues(entries: readonly TensorEntry[], base: number, size: number, file: string): Issue[] {
  const issues: Issue[] = [];
  let at = base;
  for (const { name, start, end } of [...entries].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (end > size) {
      // All that follow are cut off as well: one finding says it.
      issues.push({ message: `is cut off: tensor '${name}' ends at byte ${end}, the file at ${size}`, file });
      return issues;
    }
    if (start < at) issues.push({ message: `tensor '${name}' overlaps the one before it`, file });
    else if (start > at) issues.push({ message: `there are ${start - at} unused bytes before tensor '${name}'`, file });
    at = Math.max(at, end);
  }
  if (at < size) issues.push({ message: `${size - at} bytes follow after the last tensor`, file });
  return issues;
}

/** A tensor's bytes, as stored. */
export const readBytes = (files: Files, { file, start, end }: TensorEntry): Promise<Uint8Array<ArrayBuffer>> =>
  files.read(file, { start, end });

/** Stored bytes as float32 numbers; float32 without a copy. */
export function toFloat32(bytes: Uint8Array<ArrayBuffer>, dtype: string): Float32Array<ArrayBuffer> {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
  if (dtype === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2);
  return dtype === 'F16' ? fromFloat16(halves) : fromBfloat16(halves);
}

export function badWeights(where: string, issues: readonly Issue[]): HoldfastError {
  const shown = issues.slice(0, 8).map(({ file, message }) => (file ? `'${file}' ${message}` : message));
  const more = issues.length > shown.length ? ` … and ${issues.length - shown.length} more (see error.issues)` : '';
  return new HoldfastError('bad-weights', `The weights in ${where} cannot be used: ${shown.join('; ')}${more}.`, { issues });
}
