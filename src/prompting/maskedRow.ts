import { drawBelow } from '../data/random';
import { shuffled } from '../data/shuffled';

/** A token to predict, and the id that stands in its place; undefined: its own stays. */
export interface MaskedPlace {
  readonly at: number;
  readonly id?: number;
}

export interface MaskedRowOptions {
  readonly rate: number;
  /** Tokens of the row that may be predicted. */
  readonly count: number;
  readonly vocabulary: { readonly maskId: number; readonly size: number; readonly special: ReadonlySet<number> };
  readonly random: () => number;
}

/**
 * Chooses the places of one row, group by group (a group is masked whole), and what is put there, in ascending order.
 */
export function maskedRow(groups: readonly (readonly number[])[], options: MaskedRowOptions): MaskedPlace[] {
  const { rate, count, vocabulary, random } = options;
  if (count === 0) return [];
  const wanted = Math.max(1, Math.round(rate * count));
  const taken: number[] = [];
  const order = shuffled(
    groups.filter((group) => group.length > 0),
    random,
  );
  for (const group of order) {
    if (taken.length >= wanted) break;
    // A single word of many pieces would otherwise leave a short row without anything to predict.
    if (taken.length > 0 && taken.length + group.length > wanted) continue;
    taken.push(...group);
  }
  return taken
    .sort((a, b) => a - b)
    .map((at): MaskedPlace => {
      const chance = random();
      if (chance < 0.8) return { at, id: vocabulary.maskId };
      return chance < 0.9 ? { at, id: drawnToken(vocabulary, random) } : { at };
    });
}

function drawnToken({ size, special }: MaskedRowOptions['vocabulary'], random: () => number): number {
  for (;;) {
    const id = drawBelow(size, random);
    if (!special.has(id)) return id;
  }
}
