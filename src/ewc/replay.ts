import { HoldfastError, badArgument, requireCount } from '../core/errors';
import { createRng } from '../core/rng';
import { drawBelow } from '../data/random';
import { shuffled } from '../data/shuffled';
import type { Example, Rehearsal } from '../data/types';
import type { Head } from '../model/types';

export interface ReplayOptions {
  /** Examples kept of each label of each head; 0 keeps none. */
  readonly perLabel: number;
  /** Decides which ones. Default 0. */
  readonly seed?: number;
}

/** The memory as plain JSON. */
export interface ReplayState {
  readonly seed: number;
  readonly counter: number;
  readonly labels: readonly {
    readonly head: string;
    readonly label: string;
    readonly seen: number;
    readonly examples: readonly Example[];
  }[];
}

export interface Replay {
  /** Takes up to `perLabel` examples of each label; more of the same label later share its places with equal chances. */
  remember(examples: Iterable<Example>, options: { readonly head: Head }): void;
  /** For `batches(…, { rehearse })`: `rows` different examples per batch (all there are if fewer), spread evenly over the labels. */
  draw(rows: number): Rehearsal;
  /** Number of examples in memory. */
  readonly size: number;
  /** How many of each label: `counts().billing.refund`. */
  counts(): Record<string, Record<string, number>>;
  state(): ReplayState;
  /** Takes a copy of a saved state in place of its own; heads are looked up by name, so pass the model. */
  restore(state: ReplayState, model: { head(name: string): Head }): void;
}

/** All that is kept of one label: `seen` counts every example ever offered, so that each has the same chance. */
interface Shelf {
  readonly head: Head;
  readonly label: string;
  seen: number;
  examples: Example[];
}

/**
 * Experience replay: a few examples of every label learned so far are kept and mixed into the batches of later tasks.
 *
 * Per label a reservoir: of n examples offered, each is in memory with chance `perLabel / n`.
 *
 * **Needs** `remember` after each task, and `rehearse: memory.draw(n)` in the batches of the next one.
 * **Cost** n more rows per step. The memory holds strings, no tensors, and they are texts of your users: see `state()`.
 * **Limits** `perLabel: 0` or an empty memory is training without it.
 * **See also** `ewc` (keeps no text, but cannot tell apart classes of different tasks).
 *
 * @throws HoldfastError `bad-argument` if `perLabel` is not a whole number ≥ 0
 * @see Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019, arXiv:1902.10486
 * @example
 * const memory = replay({ perLabel: 10, seed: 1 });
 * memory.remember(first, { head });
 * const data = batches(second, { head, batchSize: 32, rehearse: memory.draw(32) });
 * await fit(model, { objective: crossEntropy(), data, optimizer });
 */
export function replay({ perLabel, seed = 0 }: ReplayOptions): Replay {
  requireCount('replay', 'perLabel', perLabel, 0);
  let rng = createRng(seed);
  let shelves: Shelf[] = [];

  const shelfOf = (head: Head, label: string): Shelf => {
    const found = shelves.find((shelf) => shelf.head.name === head.name && shelf.label === label);
    if (found) return found;
    const shelf = { head, label, seen: 0, examples: [] };
    shelves.push(shelf);
    return shelf;
  };

  return {
    remember(examples, { head }) {
      const rows = [...examples].map((example, i) => [example, labelIn(head, example, i)] as const);
      if (perLabel === 0) return;
      for (const [example, label] of rows) {
        const shelf = shelfOf(head, label);
        const place = shelf.seen < perLabel ? shelf.seen : drawBelow(shelf.seen + 1, () => rng() / 2 ** 32);
        shelf.seen++;
        if (place < perLabel) shelf.examples[place] = structuredClone(example);
      }
    },
    draw(rows) {
      requireCount('replay', 'rows to draw', rows, 0);
      return {
        draw(random) {
          // One example of each label in turn: the order of the labels and of their examples is drawn, so that every batch is balanced.
          const piles = shuffled(shelves, random).map(({ head, examples }) =>
            shuffled(examples, random).map((example) => ({ example, head })),
          );
          const deepest = Math.max(0, ...piles.map((pile) => pile.length));
          const turns = Array.from({ length: deepest }, (_, i) => piles.flatMap((pile) => pile.slice(i, i + 1)));
          return turns.flat().slice(0, rows);
        },
      };
    },
    get size() {
      return shelves.reduce((sum, { examples }) => sum + examples.length, 0);
    },
    counts() {
      const counts: Record<string, Record<string, number>> = {};
      for (const { head, label, examples } of shelves) (counts[head.name] ??= {})[label] = examples.length;
      return counts;
    },
    state: () => ({
      seed,
      counter: rng.counter,
      labels: shelves.map(({ head, label, seen, examples }) => ({
        head: head.name,
        label,
        seen,
        examples: structuredClone(examples),
      })),
    }),
    restore(state, model) {
      const restored = state.labels.map(({ head: name, label, seen, examples }) => {
        const head = model.head(name);
        if (head.columnOf(label) === undefined) throw unknownLabel(head, label);
        if (examples.length > perLabel) {
          throw badArgument(
            'replay',
            `the state holds ${examples.length} examples of '${label}', more than perLabel ${perLabel}: create the memory with the size it was saved with.`,
          );
        }
        return { head, label, seen, examples: structuredClone([...examples]) };
      });
      const [nextRng, nextSeed] = [createRng(state.seed, state.counter), state.seed];
      [shelves, rng, seed] = [restored, nextRng, nextSeed];
    },
  };
}

/** Names the row, not its text, which may be personal. */
function labelIn(head: Head, { label }: Example, row: number): string {
  if (label === undefined)
    throw new HoldfastError('bad-data', `replay: row ${row + 1} has no label, so it cannot be rehearsed; leave it out.`);
  if (head.columnOf(label) === undefined) throw unknownLabel(head, label);
  return label;
}

const unknownLabel = (head: Head, label: string): HoldfastError =>
  new HoldfastError(
    'unknown-label',
    `replay: label '${label}' is not in head '${head.name}', which has ${head.labels.map((known) => `'${known}'`).join(', ')}.`,
  );
