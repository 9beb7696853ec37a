import type { OnnxType } from './emitters';
import type { Values } from './recording';

/** Numbers as an int64 tensor: pairs of 32-bit halves, low half first (every platform that ONNX Runtime ships for is little-endian). */
export function int64s(values: readonly number[]): Int32Array {
  const halves = new Int32Array(values.length * 2);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    halves[i * 2] = value;
    halves[i * 2 + 1] = value < -(2 ** 31) || value >= 2 ** 31 ? Math.floor(value / 2 ** 32) : value < 0 ? -1 : 0;
  }
  return halves;
}

/** The bits of numbers of an ONNX type. */
export function encodeNumbers(values: readonly number[], type: OnnxType): Values {
  switch (type) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
    case 'uint32':
      return Int32Array.from(values);
    case 'bool':
      return Uint8Array.from(values, (value) => (value ? 1 : 0));
    case 'uint8':
      return Uint8Array.from(values);
    case 'double':
      return new Int32Array(Float64Array.from(values).buffer);
    case 'int64':
    case 'uint64':
      return int64s(values);
  }
}
