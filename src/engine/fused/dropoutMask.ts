import { mix } from '../../core/rng';

/**
 * What decides which elements a dropout keeps: one odd 32-bit number per row and one per column.
 *
 * Element (i, j) is kept iff the signed 32-bit product `row[i] · column[j] mod 2³²` is below `bound`. Rows and columns come
 * from a full hash of (seed, index), so any two elements are independent; the product is one cheap integer operation that
 * every engine computes alike, which makes the mask the same everywhere without storing or sending it.
 */
export interface DropoutHash {
  /** [N] odd numbers; N = product of all axes but the last. */
  readonly rows: Int32Array;
  /** [C] odd numbers; C = the last axis. */
  readonly columns: Int32Array;
  /** Signed 32-bit bound: −2³¹ + 2³² · (1 − rate), rounded. */
  readonly bound: number;
}

/** @param seed 32-bit number @param rate from 0 (inclusive) to 1 (exclusive) */
export function dropoutHash(rows: number, columns: number, rate: number, seed: number): DropoutHash {
  return {
    rows: oddNumbers(rows, mix(seed, 0x726f7773)),
    columns: oddNumbers(columns, mix(seed, 0x636f6c73)),
    bound: Math.min(Math.round(2 ** 32 * (1 - rate)) - 2 ** 31, 2 ** 31 - 1),
  };
}

/** The mask itself, [N · C]: `1 / (1 − rate)` where the element is kept, else 0. */
export function dropoutMask({ rows, columns, bound }: DropoutHash, rate: number): Float32Array {
  const mask = new Float32Array(rows.length * columns.length);
  const kept = 1 / (1 - rate);
  let at = 0;
  for (const row of rows) {
    for (const column of columns) mask[at++] = Math.imul(row, column) < bound ? kept : 0;
  }
  return mask;
}

function oddNumbers(count: number, key: number): Int32Array {
  const numbers = new Int32Array(count);
  for (let i = 0; i < count; i++) numbers[i] = mix(key, i) | 1;
  return numbers;
}
