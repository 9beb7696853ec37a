import { HoldfastError } from '../../core/errors';
import type { DType } from './emitters';
import type { Value, Values } from './recording';

/** Arrays of up to this many bytes are copied on the way in: the caller may fill them with the next batch before this one is computed. */
const copiedIn = 2 ** 20;
/** Results of up to this many bytes are copied on the way out; larger ones leave the pool for good. */
const copiedOut = 16384;

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Bytes of the values, computed or not. */
export const byteSize = ({ shape, dtype, strings }: Value): number =>
  strings ? 0 : shape.reduce((product, dim) => product * dim, arrays[dtype].BYTES_PER_ELEMENT);

/** A typed array of `size` elements at the start of a buffer. */
export const viewOf = (dtype: DType, buffer: ArrayBuffer, size: number): Values => new arrays[dtype](buffer, 0, size);

/** Values on their way in: an array of the dtype that nobody else writes to, as far as that is affordable. */
export function own(values: Values | readonly number[], dtype: DType): Values {
  const wanted = arrays[dtype];
  if (!(values instanceof wanted)) return wanted.from(values);
  const isShared = typeof SharedArrayBuffer !== 'undefined' && values.buffer instanceof SharedArrayBuffer;
  return isShared || values.byteLength <= copiedIn ? new wanted(values) : values;
}

/** Values on their way out: the caller may keep the array for good, so its memory must not be reused. */
export function handOut(value: Value): Values {
  const { values } = value;
  if (!values) throw new HoldfastError('disposed', 'The tensor was disposed while it was being read');
  if (!value.pooled) return values;
  // A view of a larger buffer would show its rest to whoever asks for `.buffer`.
  if (values.byteLength <= copiedOut || values.byteLength !== values.buffer.byteLength) return values.slice();
  value.pooled = false;
  return values;
}
