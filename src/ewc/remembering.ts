import { HoldfastError } from '../core/errors';
import type { Example, ExampleSource } from '../data/types';
import type { Head } from '../model/types';

/** At once where the examples can be read at once; a promise for a reader such as `readJsonl`. If reading fails, nothing is changed. */
export interface Remember {
  (examples: Iterable<Example>, options: { readonly head: Head }): void;
  (examples: ExampleSource, options: { readonly head: Head }): void | Promise<void>;
}

export type Labelled = Example & { readonly label: string };

/** Reads and checks all examples before `keep` gets the first one, at once where they can be read at once. */
export const remembering =
  (owner: string, keep: (rows: readonly Labelled[], head: Head) => void): Remember =>
  (examples: ExampleSource, { head }) => {
    if (typeof examples !== 'function' && Symbol.iterator in examples) return keep(labelledAs(owner, [...examples], head), head);
    return readAll(examples).then((rows) => keep(labelledAs(owner, rows, head), head));
  };

export async function readAll(source: ExampleSource): Promise<Example[]> {
  const examples: Example[] = [];
  for await (const example of typeof source === 'function' ? source() : source) examples.push(example);
  return examples;
}

/** Copies of the examples, all with a label that the head has. Errors name the row, not its text, which may be personal. */
export function labelledAs(owner: string, examples: readonly Example[], head: Head): Labelled[] {
  for (const [i, { text, label }] of examples.entries()) {
    const lacks = typeof text !== 'string' ? 'text' : label === undefined ? 'label' : undefined;
    if (lacks)
      throw new HoldfastError('bad-data', `${owner}: row ${i + 1} has no ${lacks}, so it cannot be rehearsed; leave it out.`);
    if (head.columnOf(label!) === undefined) throw unknownLabel(owner, head, label!);
  }
  return structuredClone(examples) as Labelled[];
}

export const unknownLabel = (owner: string, head: Head, label: string): HoldfastError =>
  new HoldfastError(
    'unknown-label',
    `${owner}: label '${label}' is not in head '${head.name}', which has ${head.labels.map((known) => `'${known}'`).join(', ')}.`,
  );
