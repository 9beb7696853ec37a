/**
 * The first `count` principal components of vectors [N, width], centred: each vector's coordinates, row after row [N, count].
 * By subspace iteration on the covariance, which converges to the span that matters here within a few dozen rounds.
 */
export function principalCoordinates(vectors: Float32Array, width: number, count: number, random: () => number): Float32Array {
  const rows = vectors.length / width;
  const mean = new Float64Array(width);
  for (let i = 0; i < vectors.length; i++) mean[i % width]! += vectors[i]! / rows;
  const covariance = new Float64Array(width * width);
  for (let row = 0; row < rows; row++) {
    const at = row * width;
    for (let i = 0; i < width; i++) {
      const a = vectors[at + i]! - mean[i]!;
      for (let j = 0; j <= i; j++) covariance[i * width + j]! += (a * (vectors[at + j]! - mean[j]!)) / rows;
    }
  }
  for (let i = 0; i < width; i++) for (let j = 0; j < i; j++) covariance[j * width + i] = covariance[i * width + j]!;

  let basis: Float64Array[] = Array.from({ length: count }, () => Float64Array.from({ length: width }, () => random() - 0.5));
  for (let round = 0; round < 40; round++) basis = orthonormal(basis.map((vector) => times(covariance, vector)));
  const coordinates = new Float32Array(rows * count);
  for (let row = 0; row < rows; row++)
    for (let c = 0; c < count; c++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (vectors[row * width + i]! - mean[i]!) * basis[c]![i]!;
      coordinates[row * count + c] = sum;
    }
  return coordinates;
}

function times(matrix: Float64Array, vector: Float64Array): Float64Array {
  const width = vector.length;
  return vector.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < width; j++) sum += matrix[i * width + j]! * vector[j]!;
    return sum;
  });
}

/** Gram and Schmidt, in order. */
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    for (const other of done) {
      let dot = 0;
      for (let i = 0; i < vector.length; i++) dot += vector[i]! * other[i]!;
      for (let i = 0; i < vector.length; i++) vector[i]! -= dot * other[i]!;
    }
    const length = Math.hypot(...vector);
    done.push(vector.map((value) => value / length));
  }
  return done;
}
