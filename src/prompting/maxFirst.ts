import * as tf from '@tensorflow/tfjs';
import { askedRows, atGaps, type AskedRow } from './askedRows';
import type { ClozeScoring } from './clozeScores';
import { labelScores, requireOneMask } from './multiToken';
import { wordPieces, type PiecedWord } from './wordPieces';

/**
 * Scores label words of several tokens as PET does: the piece that the model is surest of is filled in first, and the others see it.
 *
 * n passes for a word of n pieces; in each, of the masks that are left, the one whose piece has the highest probability gives its
 * log-probability and gets its piece. `z[l] = Σ_w u[l, w] · 1/n_w Σ_i log p(piece_i | masks left, pieces filled in)`.
 *
 * **Needs** a pattern with one `{mask}`. **Cost** n evaluations of the network for each word and example: words × n times that of one pass.
 * **Limits** for words of one piece it is `multiToken`.
 * **Differs from the paper** in the mean over the pieces where it takes the product of the probabilities, which favours short words.
 * **See also** `multiToken`.
 *
 * @throws HoldfastError `bad-argument` for a pattern with several `{mask}`
 * @see Schick and Schütze, It's Not Just Size That Matters, NAACL 2021, arXiv:2009.07118, section 3.1
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bills', refund: 'coins' }) };
 * const [answer] = await clozeClassifier(model, { ...task, scoring: maxFirst }).predict(['where is it']);
 */
export const maxFirst: ClozeScoring = async (model, task, examples, { batchSize, maxLength }) => {
  requireOneMask('maxFirst', task.pattern);
  const words = await wordPieces(task, model.tokenizer);
  const scores = examples.map(() => new Map<PiecedWord, number>());
  for (const n of new Set(words.flat().map(({ ids }) => ids.length))) {
    const some = words.flat().filter(({ ids }) => ids.length === n);
    const rows = await askedRows(model, task.pattern, examples, { masks: n, maxLength });
    let open = rows.flatMap((row, i) =>
      some.map((word): Filling => ({ row, example: i, word, left: word.ids.map((_, m) => m), sum: 0 })),
    );
    for (let pass = 0; pass < n; pass++) {
      const logs = await atGaps(
        model,
        open.map(({ row }) => row),
        batchSize,
        (scores, at) => {
          const [B, k, V] = scores.shape;
          const flat = tf.reshape(tf.logSoftmax(scores), [B * k * V]);
          const places = at.flatMap((r, b) => open[r]!.word.ids.map((id, m) => (b * k + m) * V + id));
          return tf.reshape<tf.Rank.R2>(tf.gather(flat, tf.tensor1d(places, 'int32')), [B, k]);
        },
      );
      open = open.map((filling, r) => filledIn(filling, logs[r]!));
    }
    for (const { example, word, sum } of open) scores[example]!.set(word, sum / n);
  }
  return scores.map((of) => labelScores(words, of));
};

/** A word on its way into the gaps of an example. */
interface Filling {
  readonly row: AskedRow;
  readonly example: number;
  readonly word: PiecedWord;
  /** Pieces that are still hidden. */
  readonly left: readonly number[];
  readonly sum: number;
}

function filledIn({ row, word, left, sum, ...rest }: Filling, logs: Float32Array): Filling {
  const surest = left.reduce((best, m) => (logs[m]! > logs[best]! ? m : best));
  const ids = row.tokens.ids.map((id, t) => (t === row.places[surest] ? word.ids[surest]! : id));
  return {
    ...rest,
    word,
    row: { ...row, tokens: { ...row.tokens, ids } },
    left: left.filter((m) => m !== surest),
    sum: sum + logs[surest]!,
  };
}
