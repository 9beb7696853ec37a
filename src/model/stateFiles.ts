import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import type { CapturedState } from './capture';
import { contentHash } from './contentHash';
import { isRecord, parseObject, type Files, type FileSink } from './files';
import { putTogether, storedType, type Leaf } from './keptNumbers';
import { readBytes, readHeader, type TensorEntry } from './safetensors';
import { arrays, safetensorsParts, type ExactType } from './writeSafetensors';

/** The newest format of `state.json` that this version reads, and the one that it writes. */
const format = 1;

const [jsonName, tensorsName] = ['state.json', 'state.safetensors'] as const;
export const stateNames: readonly string[] = [jsonName, tensorsName];

/** In `holdfast.json`, which is written last: says that there is a state, and which one, so that files of two saves are never mixed. */
export interface StateRecord {
  /** Of both files. Absent where the platform could not compute it. */
  readonly hash?: string;
}

export const stateRecordOf = ({ state }: Readonly<Record<string, unknown>>): StateRecord | undefined => {
  if (!isRecord(state)) return undefined;
  return typeof state['hash'] === 'string' ? { hash: state['hash'] } : {};
};

/** States by name; the tensors in them are the reader's. */
export interface ReadState {
  readonly parts: Readonly<Record<string, unknown>>;
  dispose(): void;
}

/** Writes `state.safetensors`, every number in its own type, and `state.json` with the rest. */
export async function writeState({ parts, leaves }: CapturedState, sink: FileSink): Promise<StateRecord> {
  const hash = contentHash();
  const outgoing = [...leaves].map(([name, leaf]) => ({
    name,
    dtype: storedType(leaf),
    shape: leaf instanceof tf.Tensor ? leaf.shape : [leaf.length],
    values: async () => (leaf instanceof tf.Tensor ? await leaf.data() : leaf),
  }));
  await sink.write(
    tensorsName,
    safetensorsParts(outgoing, 'float32', (name, bytes) => hash.add(name, bytes)),
  );
  const json = new TextEncoder().encode(`${JSON.stringify({ format, parts })}\n`);
  await hash.add(jsonName, json);
  await sink.write(jsonName, [json]);
  const digest = await hash.digest();
  return digest === undefined ? {} : { hash: digest };
}

/**
 * Reads what `writeState` wrote.
 *
 * @throws HoldfastError before any tensor is made: `not-found`, `newer-format`, `bad-config`, `bad-weights`
 */
export async function readState(files: Files, record: StateRecord): Promise<ReadState> {
  for (const name of stateNames) if ((await files.size(name)) === undefined) throw missing(name, files.name);
  const json = await files.read(jsonName);
  const what = `'${jsonName}' in ${files.name}`;
  const { format: found, parts } = parseObject(json, what);
  if (found !== format) {
    throw new HoldfastError(
      'newer-format',
      `${what} has format ${JSON.stringify(found)}; this version of holdfast reads format ${format}: update holdfast.`,
    );
  }
  if (!isRecord(parts)) throw new HoldfastError('bad-config', `${what}: parts must be an object.`);

  const stored = await readStored(files, record, json);
  const tensors = new Map<string, tf.Tensor>();
  const numbersOf = (name: string) => {
    const held = stored.get(name);
    if (!held) throw new HoldfastError('bad-config', `${what} names '${name}', which is not in '${tensorsName}'.`);
    return held;
  };
  // Once without making a tensor, so that nothing is left if a name is wrong.
  putTogether(parts, (name) => numbersOf(name).values);
  const leafOf = (name: string, isTensor: boolean): Leaf => {
    const { values, shape, dtype } = numbersOf(name);
    if (!isTensor) return values;
    if (!tensors.has(name)) tensors.set(name, tf.tensor(values, [...shape], tensorTypes[dtype]));
    return tensors.get(name)!;
  };
  return { parts: putTogether(parts, leafOf) as Record<string, unknown>, dispose: () => tf.dispose([...tensors.values()]) };
}

const tensorTypes: Readonly<Partial<Record<ExactType, tf.DataType>>> = { F32: 'float32', I32: 'int32', BOOL: 'bool' };

interface Stored {
  readonly values: Exclude<Leaf, tf.Tensor>;
  readonly shape: readonly number[];
  readonly dtype: ExactType;
}

/** All numbers, after the hash of everything has been found right. */
async function readStored(
  files: Files,
  { hash: expected }: StateRecord,
  json: Uint8Array<ArrayBuffer>,
): Promise<Map<string, Stored>> {
  const hash = contentHash();
  const stored = new Map<string, Stored>();
  for (const entry of await readHeader(files, tensorsName)) {
    const bytes = await readBytes(files, entry);
    await hash.add(entry.name, bytes);
    stored.set(entry.name, toStored(bytes, entry, files.name));
  }
  await hash.add(jsonName, json);
  const digest = await hash.digest();
  if (expected === undefined || digest === undefined || digest === expected) return stored;
  throw new HoldfastError(
    'bad-weights',
    `The state in ${files.name} is not the one that its holdfast.json was saved with: the folder was changed, copied half, or saved while it was read.`,
  );
}

function toStored(bytes: Uint8Array<ArrayBuffer>, { name, dtype, shape }: TensorEntry, where: string): Stored {
  if (!Object.hasOwn(arrays, dtype))
    throw new HoldfastError(
      'bad-weights',
      `'${tensorsName}' in ${where}: tensor '${name}' is of type ${dtype}, which no state has.`,
    );
  const whole = bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
  return { values: new arrays[dtype as ExactType](whole.buffer), shape, dtype: dtype as ExactType };
}

const missing = (name: string, where: string): HoldfastError =>
  new HoldfastError(
    'not-found',
    `There is no '${name}' in ${where}, though its holdfast.json tells of a state: it was copied half.`,
  );
