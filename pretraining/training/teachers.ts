import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Width of both teachers' vectors. */
export const WIDTH = 384;

/** The teachers' vectors of all sentences, row after row. A row of zeros: the teacher does not know this text. */
export interface Teachers {
  readonly e5: Float32Array;
  readonly minilm: Float32Array;
}

/** @param rows how many sentences they must have vectors of */
export const readTeachers = (folder: string, rows: number): Teachers => ({
  e5: centred(readVectors(path.join(folder, 'e5.f32'), rows)),
  minilm: readVectors(path.join(folder, 'minilm.f32'), rows),
});

function readVectors(file: string, rows: number): Float32Array {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  const found = byteLength / (4 * WIDTH);
  if (found !== rows) throw new Error(`${file} has ${found} vectors, wanted ${rows}: let pretraining/vectors.ts finish first`);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/** e5's vectors all lie in a narrow cone: without their mean the angles between them mean something. */
function centred(vectors: Float32Array): Float32Array {
  const rows = vectors.length / WIDTH;
  const mean = new Float64Array(WIDTH);
  for (let i = 0; i < vectors.length; i++) mean[i % WIDTH]! += vectors[i]! / rows;
  return vectors.map((value, i) => value - mean[i % WIDTH]!);
}
