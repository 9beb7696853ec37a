import { batches } from '../../src/data/batches';
import type { Labeled } from '../../src/core/types';
import type { Example, Rehearsal } from '../../src/data/types';
import type { Derpp } from '../../src/ewc/derpp';
import type { RememberedExample } from '../../src/ewc/keptLogits';
import type { Toy } from './toy';

/** An example in memory, with the logits that are kept of it. */
export const kept = (...logits: (number | null)[]): RememberedExample => ({ text: '', derpp: { logits } });

/** Of the toy's heads a and b. */
export const old: Example[] = Array.from({ length: 12 }, (_, i) => ({
  text: `${1 + (i % 7)} ${2 + (i % 3)}`,
  label: 'xy'[i % 2]!,
}));
export const fresh: Example[] = Array.from({ length: 8 }, (_, i) => ({ text: `${3 + i} ${1 + (i % 4)}`, label: 'z' }));

/** New rows of head b beside remembered ones. */
export async function batchesOf(model: Toy, rehearse: Rehearsal): Promise<Labeled[]> {
  const all: Labeled[] = [];
  const data = batches(fresh, { head: model.head('b'), batchSize: 4, rehearse });
  for await (const batch of data.open({ model, seed: 1, epoch: 0 })) all.push(batch);
  return all;
}
/** The memory after the first task. */
export async function filled(model: Toy, memory: Derpp): Promise<Derpp> {
  await memory.remember(model, old, { head: model.head('a') });
  return memory;
}
