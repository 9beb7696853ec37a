import { requireCount } from '../core/errors';
import { groupedBy } from '../data/groupedBy';
import { outputRows } from '../data/outputRows';
import { tokenised } from '../data/tokenised';
import type { ExampleSource } from '../data/types';
import { unitRows } from '../losses/cosine';
import type { Head, TextModel } from '../model/types';
import { inTurn } from './inTurn';
import { labelledAs, readAll } from './remembering';
import { shelvesOf, type Memory, type MemorySize } from './shelves';

export interface HerdingRememberOptions {
  /** The head that the labels belong to. */
  readonly head: Head;
  /** Most rows of one evaluation. Default 64. */
  readonly batchSize?: number;
}

export interface Herding extends Memory {
  /** Picks anew among what is kept of each label and the examples given, by the vectors that the model has for them now. Calls wait for each other. */
  remember(model: TextModel, examples: ExampleSource, options: HerdingRememberOptions): Promise<void>;
}

/**
 * Herding (iCaRL): of every label the examples are kept whose mean vector is nearest to that of all its examples.
 *
 * `p_k = argmin_x ‖ μ − (φ(x) + Σ_{j<k} φ(p_j)) / k ‖`, x over the label's examples that are not picked yet, φ(x) of [H] the pooled
 * vector of length 1 and μ the mean of φ over all of them. The order is kept, so the first ones are the best memory of any smaller size.
 *
 * **Needs** `await remember(model, …)` after each task, and `rehearse: memory.draw(n)` in the batches of the next one.
 * **Cost** in `remember` one evaluation of the examples, without dropout, and `places × examples × H` steps per label; n more rows per
 * training step. The memory holds strings, no tensors, and they are texts of your users: see `state()`.
 * **Limits** `perLabel: 0` or an empty memory is training without it. Nothing is random. A smaller memory takes the best of a larger
 * one's state.
 * **Differs from the paper** in that more of a label may come later: then those kept stand for all that were seen, so each of them
 * counts `seen / kept` in μ. The classifier is the head, not the nearest mean.
 * **See also** `replay` (random ones, without a model), `ring` (the newest ones).
 *
 * @throws HoldfastError `bad-argument` unless one of `perLabel` and `size` is given, a whole number ≥ 0; from `remember`, `bad-data` for
 *   a row without text or label, `unknown-label`, and `not-finite` if the model's vectors are not
 * @see Rebuffi et al., iCaRL: Incremental Classifier and Representation Learning, CVPR 2017, arXiv:1611.07725, algorithms 4 and 5
 * @example
 * const memory = herding({ size: 200 });
 * await memory.remember(model, first, { head });
 * const data = batches(second, { head, batchSize: 32, rehearse: memory.draw(32) });
 */
export function herding(size: MemorySize): Herding {
  const shelves = shelvesOf('herding', size, (examples, places) => examples.slice(0, places));

  async function remember(model: TextModel, examples: ExampleSource, { head, batchSize = 64 }: HerdingRememberOptions) {
    requireCount('herding', 'batchSize', batchSize);
    const fresh = groupedBy(labelledAs('herding', await readAll(examples), head), ({ label }) => label);
    if (shelves.capacity === 0) return;
    const candidates = [...fresh].map(([label, rows]) => {
      const { seen, examples: kept } = shelves.find(head, label) ?? { seen: 0, examples: [] };
      return {
        label,
        seen: seen + rows.length,
        rows: [...kept, ...rows],
        counts: [...kept.map(() => seen / kept.length), ...rows.map(() => 1)],
      };
    });
    const texts = candidates.flatMap(({ rows }) => rows.map((example) => ({ example })));
    const tokens = await tokenised(texts, [], model.tokenizer, model.maxLength);
    const vectors = await outputRows(model, tokens, batchSize, ({ pooled }) => unitRows(pooled)); // [N][H]
    const shelfOf = shelves.open(head, fresh.keys());
    for (const { label, seen, rows, counts } of candidates) {
      const shelf = shelfOf(label);
      const picked = herdingOf(vectors.splice(0, rows.length), shelf.places, counts);
      shelf.examples = picked.map((i) => rows[i]!);
      shelf.seen = seen;
    }
  }

  return {
    remember: inTurn(remember),
    draw: shelves.draw,
    get size() {
      return shelves.size();
    },
    counts: shelves.counts,
    state: () => ({ labels: shelves.saved() }),
    restore: (state, model) => shelves.replace(shelves.restored(state, model)),
  };
}

/**
 * The numbers of up to `count` of the vectors [N, H], in the order in which they were picked: each brings the mean of those picked as
 * near as it can to the mean of all. Of equally good ones the first is taken.
 *
 * @param counts how much each vector counts in the mean of all. Default: all the same
 */
export function herdingOf(vectors: readonly ArrayLike<number>[], count: number, counts = vectors.map(() => 1)): number[] {
  const total = counts.reduce((sum, one) => sum + one, 0);
  const mean = Array.from({ length: vectors[0]?.length ?? 0 }, (_, h) =>
    vectors.reduce((sum, vector, i) => sum + (counts[i]! / total) * vector[h]!, 0),
  ); // [H]
  const wanted = mean.map(() => 0); // k μ − Σ_{j<k} φ(p_j)
  const left = new Set(vectors.keys());
  const picked: number[] = [];
  while (picked.length < count && left.size > 0) {
    mean.forEach((value, h) => (wanted[h]! += value));
    const best = nearest(wanted, vectors, left);
    wanted.forEach((_, h) => (wanted[h]! -= vectors[best]![h]!));
    left.delete(best);
    picked.push(best);
  }
  return picked;
}

function nearest(to: readonly number[], vectors: readonly ArrayLike<number>[], among: ReadonlySet<number>): number {
  let [best, least] = [-1, Infinity];
  for (const i of among) {
    let distance = 0;
    for (let h = 0; h < to.length; h++) distance += (to[h]! - vectors[i]![h]!) ** 2;
    if (best < 0 || distance < least) [best, least] = [i, distance];
  }
  return best;
}
