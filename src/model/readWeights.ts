import type { Variable } from '@tensorflow/tfjs';
import type { Checkpoint, Source } from './checkpoint';
import { contentHash, type ContentHash } from './contentHash';
import { sidecarName, type Files } from './files';
import { badWeights, readBytes, toFloat32, type TensorEntry } from './safetensors';
import { toVariable } from './toVariable';
import type { WeightInfo } from './weightPlan';

/**
 * Reads a checkpoint's values into variables, one tensor after the other.
 *
 * @param expected the hash that the weights must have; undefined: any
 * @param into gets the variables as they come, also those before an error
 * @throws HoldfastError `bad-weights` if they are others than those of the save, or if a decoder is not tied to the word embeddings
 */
export async function readWeights(
  files: Files,
  { sources, untied }: Checkpoint,
  expected: string | undefined,
  into: Map<WeightInfo, Variable>,
): Promise<void> {
  const hash = expected === undefined ? undefined : contentHash();
  for (const source of sources) await readSource(files, source, hash, into);
  const found = await hash?.digest();
  if (found !== undefined && found !== expected) {
    const message = `they are not those that '${sidecarName}' was saved with: the folder was changed or copied half. If you replaced them on purpose, remove its "hash"`;
    throw badWeights(files.name, [{ message, file: sidecarName }]);
  }
  if (untied) await requireEqual(files, untied);
}

async function readSource(
  files: Files,
  { entry, weights }: Source,
  hash: ContentHash | undefined,
  into: Map<WeightInfo, Variable>,
): Promise<void> {
  const bytes = await readBytes(files, entry);
  await hash?.add(entry.name, bytes);
  const values = toFloat32(bytes, entry.dtype);
  let at = 0;
  for (const weight of weights) {
    const size = weight.shape.reduce((count, length) => count * length, 1);
    // A block of a merged head gets memory of its own: engines keep the array.
    into.set(weight, toVariable(weights.length === 1 ? values : values.slice(at, at + size), weight.shape));
    at += size;
  }
}

/** config.json says that the decoder is a table of its own: fine as long as it is the same table. */
async function requireEqual(files: Files, [copy, table]: readonly [TensorEntry, TensorEntry]): Promise<void> {
  const [a, b] = [toFloat32(await readBytes(files, copy), copy.dtype), toFloat32(await readBytes(files, table), table.dtype)];
  if (a.length === b.length && a.every((value, i) => value === b[i])) return;
  const message = `tensor '${copy.name}' differs from '${table.name}' (tie_word_embeddings is false): only a decoder tied to the word embeddings is supported`;
  throw badWeights(files.name, [{ message, file: copy.file }]);
}
