import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import type { Encoded } from '../../src/core/types';
import { openFolder } from '../../src/model/folder';
import { loadModel, type LoadOptions, type PretrainedModel, type Tokenizer } from '../../src/model';
import { readBytes, readTensorIndex, toFloat32 } from '../../src/model/safetensors';
import type { Files } from '../../src/model/files';

/** The architectures of the fixtures; each has a classifier (`bert`) and a masked-language model (`bert-mlm`). */
export const architectures = ['bert', 'roberta', 'xlm-roberta', 'distilbert'] as const;

export const tinyPath = (name: string): string => fileURLToPath(new URL(`../fixtures/tiny/${name}`, import.meta.url));

/** A tokenizer of which only the sizes matter: ids stand for themselves. */
export const idTokenizer = (vocabularySize: number, padId = 0): Tokenizer => ({
  vocabularySize,
  padId,
  specialIds: [padId],
  encode: (texts) =>
    Promise.resolve(
      texts.map((text) => {
        const ids = (typeof text === 'string' ? text : text.join(' ')).split(' ').map(Number);
        return {
          ids,
          types: ids.map(() => 0),
          offsets: ids.map(() => [0, 0] as const),
          words: ids.map(() => null),
          sequences: ids.map(() => null),
        };
      }),
    ),
  idOf: Number,
  tokenOf: String,
  decode: (ids) => Promise.resolve(ids.join(' ')),
  dispose: () => {},
});

export const vocabularyOf = (name: string): number => (name.startsWith('xlm') ? 68 : 60);

export const loadTiny = (name: string, options: LoadOptions = {}): Promise<PretrainedModel> =>
  loadModel(tinyPath(name), { tokenizer: idTokenizer(vocabularyOf(name)), ...options });

/** What PyTorch computed: tensors by name, as plain numbers. */
export type Expected = ReadonlyMap<string, { readonly values: Float32Array; readonly shape: number[] }>;

/** All tensors of one safetensors file. */
export async function readNumbers(folder: string, file = 'expected.safetensors'): Promise<Expected> {
  const inside = await openFolder(folder);
  const only: Files = {
    ...inside,
    size: (name) => inside.size(name === 'model.safetensors' ? file : name),
    read: (name, range) => inside.read(name === 'model.safetensors' ? file : name, range),
  };
  const numbers = new Map<string, { values: Float32Array; shape: number[] }>();
  for (const [name, entry] of await readTensorIndex(only)) {
    numbers.set(name, { values: toFloat32(await readBytes(only, entry), entry.dtype), shape: [...entry.shape] });
  }
  return numbers;
}

/** The inputs that the numbers were computed from. */
export function inputsOf(expected: Expected): Encoded {
  const of = (name: string, dtype: 'int32' | 'float32') => {
    const { values, shape } = expected.get(name)!;
    return tf.tensor2d(dtype === 'int32' ? Int32Array.from(values) : values, shape as [number, number], dtype);
  };
  return { ids: of('ids', 'int32'), mask: of('mask', 'float32'), types: of('types', 'int32') };
}

/** The name in the model of a parameter of Python's. */
export const ourName = (python: string): string =>
  python.replace(/^classifier\.(out_proj\.)?(weight|bias)$/, 'classifier.default.$2');

export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * values[i]!;
  return Math.sqrt(sum);
}

/** ‖a − b‖ */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Σᵢ aᵢ cos i, with the cosines in float32: one number that a wrong entry changes. */
export function projection(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) if (values[i] !== 0) sum += values[i]! * Math.fround(Math.cos(i));
  return sum;
}
