import { HoldfastError } from '../core/errors';
import { readJson, sidecarName, type Files } from './files';
import { labelProblem, type HeadRecord } from './heads';
import { stateRecordOf, type StateRecord } from './stateFiles';
import { poolings, type Pooling } from './pooling';

/** The newest format that this version reads, and the one that it writes. */
export const sidecarFormat = 1;

/** `holdfast.json`: what Hugging Face's layout has no place for. */
export interface Sidecar {
  readonly format: number;
  readonly pooling: Pooling;
  /** Most tokens of one input. */
  readonly maxLength: number;
  /** What the model's weight names begin with in memory; the file may differ. */
  readonly prefix: string;
  readonly heads: readonly HeadRecord[];
  /** Of the weights as stored (see `contentHash`). Absent where the platform could not compute it. */
  readonly hash?: string;
  /** There is the state of what the model was trained with beside it (see `StateRecord`). */
  readonly state?: StateRecord;
  /** What the save wrote: everything else in the folder is the user's, and the next save keeps it. */
  readonly files: readonly string[];
}

/**
 * @returns undefined for a folder that this library did not save
 * @throws HoldfastError `newer-format`, or `bad-config` naming what is wrong
 */
export async function readSidecar(files: Files): Promise<Sidecar | undefined> {
  const raw = await readJson(files, sidecarName);
  if (!raw) return undefined;
  const { format, pooling, maxLength, prefix, heads, hash, files: written } = raw;
  const state = stateRecordOf(raw);
  const fail = (problem: string) => new HoldfastError('bad-config', `'${sidecarName}' in ${files.name}: ${problem}.`);
  if (!Number.isSafeInteger(format) || (format as number) < 1)
    throw fail(`format must be a whole number ≥ 1, got ${JSON.stringify(format)}`);
  if ((format as number) > sidecarFormat) {
    throw new HoldfastError(
      'newer-format',
      `${files.name} was saved in format ${String(format)}; this version of holdfast reads up to ${sidecarFormat}: update holdfast.`,
    );
  }
  if (!poolings.includes(pooling as Pooling))
    throw fail(`pooling must be one of ${poolings.join(', ')}, got ${JSON.stringify(pooling)}`);
  if (!Number.isSafeInteger(maxLength) || (maxLength as number) < 1)
    throw fail(`maxLength must be a whole number ≥ 1, got ${JSON.stringify(maxLength)}`);
  if (typeof prefix !== 'string') throw fail('prefix must be a text');
  if (hash !== undefined && typeof hash !== 'string') throw fail('hash must be a text');
  return {
    format: format as number,
    pooling: pooling as Pooling,
    maxLength: maxLength as number,
    prefix,
    heads: readHeads(heads, fail),
    ...(hash !== undefined && { hash }),
    ...(state && { state }),
    files: Array.isArray(written) ? written.map(String) : [],
  };
}

function readHeads(value: unknown, fail: (problem: string) => HoldfastError): HeadRecord[] {
  if (!Array.isArray(value)) throw fail('heads must be a list');
  const heads = value.map((entry: unknown): HeadRecord => {
    const { name, labels } = (entry ?? {}) as { name?: unknown; labels?: unknown };
    if (typeof name !== 'string' || name === '') throw fail('every head needs a name');
    const problem = labelProblem(labels);
    if (problem) throw fail(`head '${name}': ${problem}`);
    return { name, labels: labels as string[] };
  });
  const names = heads.map(({ name }) => name);
  if (new Set(names).size < names.length) throw fail(`the names of the heads must differ, got ${names.join(', ')}`);
  return heads;
}
