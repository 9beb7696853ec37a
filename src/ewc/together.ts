import type { Rehearsal } from '../data/types';

/**
 * Several sets of remembered rows in every batch, each drawn by itself, one after the other: of two memories, or twice of one.
 *
 * **Limits** with one it is that one. An example may be in two sets. All rehearsed rows share one mean (see `batches`), so a set counts
 * by its rows.
 *
 * @example
 * const [typical, recent] = [herding({ perLabel: 10 }), ring({ perLabel: 10 })];
 * await typical.remember(model, first, { head });
 * recent.remember(first, { head });
 * const data = batches(second, { head, rehearse: together(typical.draw(16), recent.draw(16)) });
 */
export const together = (...sets: readonly Rehearsal[]): Rehearsal => ({
  draw: (random) => sets.flatMap((set) => set.draw(random)),
});
