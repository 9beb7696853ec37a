import * as tf from '@tensorflow/tfjs';
import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs';
import { isNative, runNative } from './native';

/**
 * A table with other rows: `kept · table`, where `rows` take the places `numbers`.
 *
 * Where nobody else holds the table's memory, the `onnxruntime` engine writes into it instead of copying the table.
 *
 * @param table [V, …] @param numbers [N] int32, unique @param rows [N, …] @param kept factor of all other rows. Default 1.
 */
export function replaceRows<T extends Tensor>(table: T, numbers: Tensor1D, rows: T, kept?: Scalar): T {
  if (isNative('HoldfastReplaceRows'))
    return runNative('HoldfastReplaceRows', { table, numbers, rows, ...(kept && { kept }) }) as T;
  return tf.tidy(() => tf.tensorScatterUpdate(kept ? tf.mul(table, kept) : table, numbers.expandDims(1), rows) as T);
}
