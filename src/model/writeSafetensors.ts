import { toFloat16 } from './float16';

export type Precision = 'float32' | 'float16';

export const precisions: readonly Precision[] = ['float32', 'float16'];

/** Types that are stored as they are. */
export type ExactType = 'F32' | 'F64' | 'I32' | 'U32' | 'U8' | 'BOOL';

export type Numbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/** A tensor to write: its values are asked for when its turn comes, so that one is in memory at a time. */
export interface OutgoingTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Default: the precision of the file. */
  readonly dtype?: ExactType;
  values(): Promise<Numbers>;
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
    const bytes = toBytes(await tensor.values(), tensor.dtype ?? fileType(precision));
    await onTensor(tensor.name, bytes);
    yield bytes;
  }
}

function headerOf(tensors: readonly OutgoingTensor[], precision: Precision): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let at = 0;
  for (const { name, shape, dtype = fileType(precision) } of tensors) {
    const end =
      at + shape.reduce<number>((count, length) => count * length, dtype === 'F16' ? 2 : arrays[dtype].BYTES_PER_ELEMENT);
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

const fileType = (precision: Precision) => (precision === 'float16' ? 'F16' : 'F32');

/** What holds the numbers of each type. */
export const arrays = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U32: Uint32Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const satisfies Record<ExactType, unknown>;

function toBytes(values: Numbers, dtype: ExactType | 'F16'): Uint8Array<ArrayBuffer> {
  const stored = dtype === 'F16' ? toFloat16(values as Float32Array) : arrays[dtype].from(values);
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}
