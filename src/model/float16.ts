/** float32 bits of every float16: 65,536 entries, made at first use. */
let table: Float32Array | undefined;

function decodeOne(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** float16 → float32, exact. */
export function fromFloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const values = (table ??= Float32Array.from({ length: 0x10000 }, (_, half) => decodeOne(half)));
  const result = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = values[bits[i]!]!;
  return result;
}

/** bfloat16 → float32, exact: the upper half of the bits. */
export function fromBfloat16(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const result = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) result[i] = bits[i]! << 16;
  return new Float32Array(result.buffer);
}

/** float32 → float16, rounded to the nearest, ties to even; beyond 65,504 it becomes infinite. */
export function toFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const result = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = encodeOne(bits[i]!);
  return result;
}

function encodeOne(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | (fraction ? 0x7e00 : 0x7c00);
  const unbiased = exponent - 127;
  if (unbiased > 15) return sign | 0x7c00;
  // Normal: 10 of the 23 fraction bits stay. Subnormal: the whole significand moves right by what the exponent lacks.
  if (unbiased >= -14) return sign | roundedShift(((unbiased + 15) << 23) | fraction, 13);
  if (unbiased < -25) return sign;
  return sign | roundedShift(0x800000 | fraction, -unbiased - 1);
}

/** `value / 2^by`, to the nearest, ties to even. A carry runs into the exponent, as it should. */
function roundedShift(value: number, by: number): number {
  const kept = value >>> by;
  const rest = value & ((1 << by) - 1);
  const half = 1 << (by - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}
