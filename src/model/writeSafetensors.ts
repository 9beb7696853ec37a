import { toFloat16 } from './float16';

export type Precision = 'float32' | 'float16';

/** A tensor to write: its values are asked for when its turn comes, so that one is in memory at a time. */
export interface OutgoingTensor {
  readonly name: string;
  readonly shape: readonly number[];
  values(): Promise<Float32Array>;
}

/**
 * The bytes of a safetensors file: the header, then each tensor.
 *
 * @param onTensor gets every tensor's bytes as they are written
 */
export async function* safetensorsParts(
  tensors: readonly OutgoingTensor[],
  precision: Precision,
  onTensor: (name: string, bytes: Uint8Array<ArrayBuffer>) => Promise<void> = async () => {},
): AsyncGenerator<Uint8Array> {
  yield headerOf(tensors, precision);
  for (const tensor of tensors) {
    const bytes = toBytes(await tensor.values(), precision);
    await onTensor(tensor.name, bytes);
    yield bytes;
  }
}

function headerOf(tensors: readonly OutgoingTensor[], precision: Precision): Uint8Array {
  const [dtype, itemSize] = precision === 'float16' ? (['F16', 2] as const) : (['F32', 4] as const);
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const { name, shape } of tensors) {
    const end = at + shape.reduce<number>((count, length) => count * length, itemSize);
    header[name] = { dtype, shape, data_offsets: [at, end] };
    at = end;
  }
  // Readers map the file into memory: spaces bring the data to a multiple of 8.
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + padded).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  return bytes;
}

function toBytes(values: Float32Array, precision: Precision): Uint8Array<ArrayBuffer> {
  const stored = precision === 'float16' ? toFloat16(values) : Float32Array.from(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
