import type { Example } from '../../src';

/** The first rows of each label, at most so many, in their order. */
export function firstOfEach<E extends Example>(rows: readonly E[], most: number): E[] {
  const taken = new Map<string, number>();
  return rows.filter(({ label = '' }) => {
    taken.set(label, (taken.get(label) ?? 0) + 1);
    return taken.get(label)! <= most;
  });
}
