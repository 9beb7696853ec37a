import { badArgument, requireCount } from '../core/errors';
import { shuffled } from '../data/shuffled';
import type { Example, Rehearsal } from '../data/types';
import type { Head } from '../model/types';
import { unknownLabel } from './remembering';

/** How much a memory holds: one of the two. */
export interface MemorySize {
  /** Examples kept of each label of each head; 0 keeps none. */
  readonly perLabel?: number;
  /**
   * Examples kept in all, shared equally among the labels seen so far: each new label takes places from the others. With more labels
   * than places the first ones have one each.
   */
  readonly size?: number;
}

/** What is kept of one label. `seen` counts every example that was ever offered. */
export interface ShelfState {
  readonly head: string;
  readonly label: string;
  readonly seen: number;
  readonly examples: readonly Example[];
}

/** A memory as plain JSON. It holds texts of your users. */
export interface MemoryState {
  readonly labels: readonly ShelfState[];
}

/** A memory of old examples, whichever it keeps. */
export interface Memory<State extends MemoryState = MemoryState> {
  /** For `batches(…, { rehearse })`: `rows` different examples per batch (all there are if fewer), spread evenly over the labels. */
  draw(rows: number): Rehearsal;
  /** Number of examples in memory. */
  readonly size: number;
  /** How many of each label: `counts().billing.refund`. */
  counts(): Record<string, Record<string, number>>;
  state(): State;
  /** Takes a copy of a saved state in place of its own; heads are looked up by name, so pass the model. */
  restore(state: State, model: { head(name: string): Head }): void;
}

/** The examples of one label, and how many it may have. */
export interface Shelf {
  readonly head: Head;
  readonly label: string;
  seen: number;
  examples: Example[];
  places: number;
}

/**
 * The store behind every memory: one shelf per label of each head. What a memory keeps is its own business.
 *
 * @param fewer which examples stay where there are more than places
 */
export function shelvesOf(
  owner: string,
  { perLabel, size }: MemorySize,
  fewer: (examples: readonly Example[], places: number) => Example[],
) {
  if ((perLabel === undefined) === (size === undefined))
    throw badArgument(owner, 'give perLabel, the examples kept of each label, or size, those kept in all: one of the two.');
  const capacity = (perLabel ?? size)!;
  requireCount(owner, perLabel === undefined ? 'size' : 'perLabel', capacity, 0);
  let all: readonly Shelf[] = [];

  const find = ({ name }: Head, label: string) => all.find((shelf) => shelf.head.name === name && shelf.label === label);
  /** Every place is given away: the first shelves have one more where it does not come out even. */
  const placesOf = (index: number, shelves: number) => perLabel ?? Math.max(0, Math.ceil((capacity - index) / shelves));
  const replace = (shelves: readonly Shelf[]) => {
    all = shelves;
    all.forEach((shelf, i) => {
      shelf.places = placesOf(i, all.length);
      if (shelf.examples.length > shelf.places) shelf.examples = fewer(shelf.examples, shelf.places);
    });
  };

  return {
    /** 0: there is no point in offering anything. */
    capacity,
    find,
    replace,
    /** Makes a shelf for each label that has none, at the cost of the others' places; returns where a label's is. */
    open(head: Head, labels: Iterable<string>): (label: string) => Shelf {
      const fresh = [...new Set(labels)].filter((label) => !find(head, label));
      replace([...all, ...fresh.map((label): Shelf => ({ head, label, seen: 0, examples: [], places: 0 }))]);
      return (label) => find(head, label)!;
    },
    draw(rows: number): Rehearsal {
      requireCount(owner, 'rows to draw', rows, 0);
      return {
        draw(random) {
          // One example of each label in turn: the order of the labels and of their examples is drawn, so that every batch is balanced.
          const piles = shuffled(all, random).map(({ head, examples }) =>
            shuffled(examples, random).map((example) => ({ example, head })),
          );
          const deepest = Math.max(0, ...piles.map((pile) => pile.length));
          const turns = Array.from({ length: deepest }, (_, i) => piles.flatMap((pile) => pile.slice(i, i + 1)));
          return turns.flat().slice(0, rows);
        },
      };
    },
    size: () => all.reduce((sum, { examples }) => sum + examples.length, 0),
    counts() {
      const counts: Record<string, Record<string, number>> = {};
      for (const { head, label, examples } of all) (counts[head.name] ??= {})[label] = examples.length;
      return counts;
    },
    saved: (): ShelfState[] =>
      all.map(({ head, label, seen, examples }) => ({ head: head.name, label, seen, examples: structuredClone(examples) })),
    /** Checked copies, as many as there are: `replace` takes what is too much. */
    restored: ({ labels }: MemoryState, model: { head(name: string): Head }): Shelf[] =>
      labels.map(({ head: name, label, seen, examples }, i) => {
        const head = model.head(name);
        if (head.columnOf(label) === undefined) throw unknownLabel(owner, head, label);
        requireCount(owner, `'seen' of label '${label}'`, seen, examples.length);
        return { head, label, seen, examples: structuredClone([...examples]), places: placesOf(i, labels.length) };
      }),
  };
}
