import * as tf from '@tensorflow/tfjs';
import type { Batches, Example } from '../data/types';
import { withView } from '../data/withView';
import type { TextModel, Tokens } from '../model/types';
import type { Parallel } from './aligned';
import type { Span, WordPairs } from './wordPairs';

/** A parallel batch that knows which words say the same. P = pairs of the batch, at least one. */
export interface WordAligned extends Parallel {
  readonly wordPairs: {
    /** [P] int32: places in the B · T tokens of `inputs`, the last token of each word. */
    readonly sources: tf.Tensor1D;
    /** [P] int32: places in the tokens of `translation`. */
    readonly targets: tf.Tensor1D;
    /** [P] float32: what each pair counts, together 1; 0 where the batch has no pair. */
    readonly weights: tf.Tensor1D;
  };
}

export interface AlignWordsOptions<E extends Example = Example> {
  /** `dictionaryPairs`, `pharaohPairs` or your own. */
  readonly pairs: WordPairs<E>;
}

type WithTranslation<E> = E & { readonly views: { readonly translation: { readonly text: string } } };

/**
 * Finds in every batch which tokens of the texts and of their translations belong together: what `wordAlignment` needs.
 *
 * A word stands for itself by its last token. A word that was cut off with the end of its text takes no part.
 *
 * **Needs** the view `translation` (`translated`, `byId`). **Cost** both texts are tokenised a second time.
 * **Limits** of a pair of texts the first one only. **See also** `wordAlignment`, `infoNce` (sentences instead of words).
 *
 * @returns a recipe of the same batches with their pairs
 * @example
 * const parallel = train.map((row) => ({ ...row, views: { translation: { text: 'wo ist meine Rechnung' } } }));
 * const pairs = dictionaryPairs(dictionary({ de: [['invoice', 'Rechnung']] }), 'de');
 * const aligned = alignWords(batches(parallel), { pairs });
 * await fit(model, { objective: wordAlignment(), data: aligned, optimizer, seed: 1 });
 */
export function alignWords<B extends Parallel, E extends Example = Example>(
  data: Batches<B>,
  { pairs }: AlignWordsOptions<E>,
): Batches<B & WordAligned> {
  return {
    async *open(opening) {
      for await (const batch of data.open(opening))
        yield await withView(batch, async () => ({ wordPairs: await pairsOf(batch, opening.model, pairs) }));
    },
  };
}

async function pairsOf<E extends Example>(
  { inputs, translation, examples }: Parallel,
  { tokenizer }: TextModel,
  pairs: WordPairs<E>,
): Promise<WordAligned['wordPairs']> {
  const rows = examples as readonly WithTranslation<E>[];
  const [T, S] = [inputs.ids.shape[1], translation.ids.shape[1]];
  // A row that was cut is as long as its view, so cutting there gives the same tokens again.
  const tokens = await tokenizer.encode(rows.map(textOf), { maxLength: T });
  const others = await tokenizer.encode(
    rows.map(({ views }) => textOf(views.translation)),
    { maxLength: S },
  );
  const found = rows.flatMap((row, b) =>
    pairs(row.text, row.views.translation.text, row).flatMap(([word, other]) => {
      const [t, s] = [lastToken(tokens[b]!, word), lastToken(others[b]!, other)];
      return t === undefined || s === undefined ? [] : [[b * T + t, b * S + s] as const];
    }),
  );
  const some = found.length === 0 ? [[0, 0] as const] : found;
  const places = (side: 0 | 1) => tf.tensor1d(Int32Array.from(some, (pair) => pair[side]), 'int32'); // prettier-ignore
  return { sources: places(0), targets: places(1), weights: tf.fill([some.length], found.length === 0 ? 0 : 1 / found.length) };
}

const textOf = ({ text, pair }: Pick<Example, 'text' | 'pair'>) => (pair === undefined ? text : ([text, pair] as const));

/** The token that holds the word's end. */
function lastToken({ offsets, sequences }: Tokens, [start, end]: Span): number | undefined {
  const place = offsets.findIndex(([from, to], t) => sequences[t] === 0 && from < end && end <= to && start < to);
  return place === -1 ? undefined : place;
}
