import { outputRows } from '../data/outputRows';
import type { TokenisedRow } from '../data/tokenised';
import type { Head, TextModel } from '../model/types';

/** Columns of the logits that these heads' classes stand in, in their order. */
export const columnsOf = (heads: readonly Head[]): number[] => [
  ...new Set(heads.flatMap(({ offset, labels }) => labels.map((_, i) => offset + i))),
];

/** What the model says of each row, on the host: logits of the given columns, in the order of the rows. Dropout is off. */
export async function logitRows(
  model: TextModel,
  rows: readonly TokenisedRow[],
  columns: readonly number[],
  batchSize: number,
): Promise<Float32Array[]> {
  const all = await outputRows(model, rows, batchSize, ({ logits }) => logits); // [N][C]
  return all.map((row) => Float32Array.from(columns, (column) => row[column]!));
}

/** The place of the largest logit (the first of equals) and its probability at a temperature. */
export function bestOf(logits: ArrayLike<number>, temperature = 1): { readonly place: number; readonly chance: number } {
  let place = 0;
  for (let c = 1; c < logits.length; c++) if (logits[c]! > logits[place]!) place = c;
  return { place, chance: 1 / excess(logits, logits[place]!, temperature) };
}

/** `Σ_c exp((z_c − z_most) / T)`: nothing in it can overflow. */
export function excess(logits: ArrayLike<number>, most: number, temperature: number): number {
  let sum = 0;
  for (let c = 0; c < logits.length; c++) sum += Math.exp((logits[c]! - most) / temperature);
  return sum;
}
