import { badArgument } from '../core/errors';
import { createRng } from '../core/rng';
import { drawBelow } from '../data/random';
import { shuffled } from '../data/shuffled';
import { remembering, type Remember } from './remembering';
import { shelvesOf, type Memory, type MemorySize, type MemoryState } from './shelves';

export interface ReplayOptions extends MemorySize {
  /** Decides which ones. Default 0. */
  readonly seed?: number;
}

/** The memory as plain JSON. */
export interface ReplayState extends MemoryState {
  readonly seed: number;
  readonly counter: number;
}

export interface Replay extends Memory<ReplayState> {
  /** Offers examples of each label for its places; all that were ever offered have equal chances. */
  readonly remember: Remember;
}

/**
 * Experience replay: a few examples of every label learned so far are kept and mixed into the batches of later tasks.
 *
 * Per label a reservoir: of n examples offered, each is in memory with chance `min(1, places / n)`. The places of a label are `perLabel`,
 * or its share of `size`; where a share shrinks, chance decides who goes.
 *
 * **Needs** `remember` after each task, and `rehearse: memory.draw(n)` in the batches of the next one.
 * **Cost** n more rows per step. The memory holds strings, no tensors, and they are texts of your users: see `state()`.
 * **Limits** `perLabel: 0` or an empty memory is training without it.
 * **See also** `herding` (the most typical examples), `ring` (the newest ones), `together` (several sets in one batch), `ewc` (keeps no
 * text, but cannot tell apart classes of different tasks).
 *
 * @throws HoldfastError `bad-argument` unless one of `perLabel` and `size` is given, a whole number ≥ 0; from `remember`, `bad-data` for
 *   a row without text or label and `unknown-label`
 * @see Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019, arXiv:1902.10486
 * @example
 * const memory = replay({ perLabel: 10, seed: 1 });
 * memory.remember(first, { head });
 * const data = batches(second, { head, batchSize: 32, rehearse: memory.draw(32) });
 * await fit(model, { objective: crossEntropy(), data, optimizer });
 */
export function replay({ seed = 0, ...size }: ReplayOptions): Replay {
  let rng = createRng(seed);
  const random = () => rng() / 2 ** 32;
  const shelves = shelvesOf('replay', size, (examples, places) => shuffled(examples, random).slice(0, places));

  return {
    remember: remembering('replay', (rows, head) => {
      if (shelves.capacity === 0) return;
      const shelfOf = shelves.open(
        head,
        rows.map(({ label }) => label),
      );
      for (const example of rows) {
        const shelf = shelfOf(example.label);
        const place = shelf.seen < shelf.places ? shelf.seen : drawBelow(shelf.seen + 1, random);
        shelf.seen++;
        if (place < shelf.places) shelf.examples[place] = example;
      }
    }),
    draw: shelves.draw,
    get size() {
      return shelves.size();
    },
    counts: shelves.counts,
    state: () => ({ seed, counter: rng.counter, labels: shelves.saved() }),
    restore(state, model) {
      const restored = shelves.restored(state, model);
      const full = restored.find(({ examples, places }) => examples.length > places);
      if (full) {
        const most = size.perLabel === undefined ? `its share of size ${size.size}` : `perLabel ${size.perLabel}`;
        throw badArgument(
          'replay',
          `the state holds ${full.examples.length} examples of '${full.label}', more than ${most}: create the memory with the size it was saved with.`,
        );
      }
      rng = createRng(state.seed, state.counter);
      seed = state.seed;
      shelves.replace(restored);
    },
  };
}
