import * as tf from '@tensorflow/tfjs';
import { adamWStep, type AdamWStepOptions } from '../engine/fused';

/** AdamW's moments of one weight, kept: sums, as `adamWStep` has them. */
export interface Moments {
  readonly m: tf.Tensor;
  readonly v: tf.Tensor;
  /** For a table: which rows `m` and `v` hold, in their order; all others' moments are 0. Absent: the whole weight. */
  readonly rows?: ReadonlyMap<number, number>;
  /** Steps that this weight has taken. */
  readonly steps: number;
}

export const rowNumbers = (rows: ReadonlyMap<number, number>): tf.Tensor1D => tf.tensor1d(Int32Array.from(rows.keys()), 'int32');

/**
 * AdamW on a table of which only some rows ever had a gradient, equal to the dense update bit for bit: a row that was touched once
 * goes on moving while its moments fade, every other one only decays. Memory and time grow with the rows touched, not with the table.
 *
 * @param grad [U, H] @param batchRows [U] their row numbers, unique
 * @returns the rows that have moments, [N, H] and their row numbers, and the moments; all other rows only decay
 */
export function stepRows(
  table: tf.Tensor,
  grad: tf.Tensor,
  batchRows: Int32Array,
  moments: Moments | undefined,
  options: AdamWStepOptions,
): Omit<Required<Moments>, 'steps'> & { readonly numbers: tf.Tensor1D; readonly moved: tf.Tensor } {
  const width = table.shape.slice(1);
  const rows = new Map(moments?.rows);
  for (const row of batchRows) if (!rows.has(row)) rows.set(row, rows.size);
  const added = rows.size - (moments?.rows?.size ?? 0);
  const grown = (old: tf.Tensor | undefined): tf.Tensor => {
    if (old && added === 0) return old;
    const fresh = tf.zeros([added, ...width]);
    return old ? tf.concat([old, fresh], 0) : fresh;
  };
  const numbers = rowNumbers(rows);
  const slots = tf.tensor1d(
    batchRows.map((row) => rows.get(row)!),
    'int32',
  );
  const spread = tf.unsortedSegmentSum(grad, slots, rows.size); // [N, H], N rows touched so far
  const [moved, m, v] = adamWStep(tf.gather(table, numbers), spread, grown(moments?.m), grown(moments?.v), options);
  return { numbers, moved, m, v, rows };
}

/** The same moments in full size, once a gradient of the whole table has come. */
export function wholeMoments({ m, v, rows }: Moments, height: number): Pick<Moments, 'm' | 'v'> {
  if (!rows) return { m, v };
  const numbers = rowNumbers(rows);
  return { m: tf.unsortedSegmentSum(m, numbers, height), v: tf.unsortedSegmentSum(v, numbers, height) };
}
