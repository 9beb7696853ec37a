import { remembering, type Remember } from './remembering';
import { shelvesOf, type Memory, type MemorySize } from './shelves';

export interface Ring extends Memory {
  /** Takes the examples in their order; what a label has no place for any more is forgotten, the oldest first. */
  readonly remember: Remember;
}

/**
 * Ring buffer: the newest examples of every label are kept and mixed into the batches of later tasks.
 *
 * **Needs** `remember` after each task, or whenever examples come in, and `rehearse: memory.draw(n)` in the batches.
 * **Cost** n more rows per step. The memory holds strings, no tensors, and they are texts of your users: see `state()`.
 * **Limits** `perLabel: 0` or an empty memory is training without it. A label of which no more comes keeps what it has. A smaller memory
 * takes the newest of a larger one's state.
 * **See also** `replay` (old and new examples with equal chances), `herding` (the most typical ones).
 *
 * @throws HoldfastError `bad-argument` unless one of `perLabel` and `size` is given, a whole number ≥ 0; from `remember`, `bad-data` for
 *   a row without text or label and `unknown-label`
 * @see Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019, arXiv:1902.10486, section 4
 * @example
 * const memory = ring({ perLabel: 10 });
 * memory.remember(first, { head });
 * const data = batches(second, { head, batchSize: 32, rehearse: memory.draw(32) });
 */
export function ring(size: MemorySize): Ring {
  const shelves = shelvesOf('ring', size, (examples, places) => examples.slice(examples.length - places));

  return {
    remember: remembering('ring', (rows, head) => {
      if (shelves.capacity === 0) return;
      const shelfOf = shelves.open(
        head,
        rows.map(({ label }) => label),
      );
      for (const example of rows) {
        const shelf = shelfOf(example.label);
        shelf.seen++;
        shelf.examples.push(example);
        if (shelf.examples.length > shelf.places) shelf.examples.shift();
      }
    }),
    draw: shelves.draw,
    get size() {
      return shelves.size();
    },
    counts: shelves.counts,
    state: () => ({ labels: shelves.saved() }),
    restore: (state, model) => shelves.replace(shelves.restored(state, model)),
  };
}
