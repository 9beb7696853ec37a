import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Width of both teachers' vectors. */
export const WIDTH = 384;

/** The teachers' vectors of all sentences, row after row. A row of zeros: the teacher does not know this text. */
export interface Teachers {
  readonly e5: Float32Array;
  readonly minilm: Float32Array;
}

/** @param languages of the sentences that they must have vectors of, in order */
export const readTeachers = (folder: string, languages: readonly string[]): Teachers => ({
  e5: centred(readVectors(path.join(folder, 'e5.f32'), languages.length), languages),
  minilm: readVectors(path.join(folder, 'minilm.f32'), languages.length),
});

function readVectors(file: string, rows: number): Float32Array {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  const found = byteLength / (4 * WIDTH);
  if (found !== rows) throw new Error(`${file} has ${found} vectors, wanted ${rows}: let pretraining/vectors.ts finish first`);
  return new Float32Array(buffer, byteOffset, byteLength / 4);
}

/**
 * e5's vectors all lie in a narrow cone, each language in a corner of it: without the mean of its language the angle between two
 * vectors is about what the texts say, not about how alike their languages are.
 */
function centred(vectors: Float32Array, languages: readonly string[]): Float32Array {
  const counts = new Map<string, number>();
  const sums = new Map<string, Float64Array>();
  languages.forEach((language, row) => {
    counts.set(language, (counts.get(language) ?? 0) + 1);
    const sum = sums.get(language) ?? new Float64Array(WIDTH);
    for (let i = 0; i < WIDTH; i++) sum[i]! += vectors[row * WIDTH + i]!;
    sums.set(language, sum);
  });
  return vectors.map((value, i) => {
    const language = languages[Math.floor(i / WIDTH)]!;
    return value - sums.get(language)![i % WIDTH]! / counts.get(language)!;
  });
}
