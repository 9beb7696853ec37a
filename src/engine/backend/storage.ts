import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../../core/errors';
import { isComputable } from './emitters';
import { byteSize, own } from './ownership';
import { BufferPool } from './pool';
import { Recording, Value, type Values } from './recording';

/** The part of a tfjs backend that keeps data: dataIds, their reference counts, and what stands behind them. */
export abstract class ValueStorage extends tf.KernelBackend {
  protected readonly storage: tf.DataStorage<Value> = new tf.DataStorage<Value>(this, tf.engine());
  protected readonly pool = new BufferPool();
  protected readonly recording = new Recording(this.pool);
  /** Bytes of all values, computed or not. */
  protected bytes = 0;

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {};
    this.store(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(dataId: tf.DataId, values: tf.BackendValues, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.store(dataId, values, shape, dtype, refCount);
  }

  override refCount(dataId: tf.DataId): number {
    return this.storage.has(dataId) ? this.storage.get(dataId).refs : 0;
  }

  override incRef(dataId: tf.DataId): void {
    this.storage.get(dataId).refs++;
  }

  decRef(dataId: tf.DataId): void {
    if (this.storage.has(dataId)) this.storage.get(dataId).refs--;
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.storage.has(dataId)) return true;
    const value = this.storage.get(dataId);
    if (!force && value.refs > 1) {
      value.refs--;
      return false;
    }
    value.refs = 1;
    this.storage.delete(dataId);
    this.bytes -= byteSize(value);
    this.recording.unref(value);
    // With the last tensor goes what was kept for the next one: nobody may ask for a while.
    if (this.bytes === 0) this.pool.clear();
    return true;
  }

  override numDataIds(): number {
    return this.storage.numDataIds();
  }

  override floatPrecision(): 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  /** Gives a value a dataId. */
  protected keep(value: Value): tf.TensorInfo {
    const dataId = {};
    this.storage.set(dataId, value);
    this.bytes += byteSize(value);
    return { dataId, shape: value.shape as number[], dtype: value.dtype };
  }

  private store(dataId: tf.DataId, values: tf.BackendValues, shape: readonly number[], dtype: tf.DataType, refs: number): void {
    const value = new Value(shape, isComputable(dtype) ? dtype : 'float32');
    value.refs = refs;
    if (isComputable(dtype)) value.values = own(values as Values, dtype);
    else if (dtype === 'string') value.strings = values as Uint8Array[];
    else
      throw new HoldfastError('kernel-missing', `The onnxruntime engine has no '${dtype}' tensors: use float32, int32 or bool`);
    this.storage.set(dataId, value);
    this.bytes += byteSize(value);
  }
}
