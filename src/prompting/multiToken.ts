import * as tf from '@tensorflow/tfjs';
import type { Tensor2D } from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { askedRows, atGaps } from './askedRows';
import type { ClozeScoring } from './clozeScores';
import type { Pattern } from './pattern';
import { wordLogits } from './verbalizerLogits';
import { wordPieces, type PiecedWord } from './wordPieces';

/**
 * Scores label words of any number of tokens: a word of n pieces is looked for at n masks, by the mean log-probability of its pieces.
 *
 * `z[l] = Σ_w u[l, w] · 1/n_w Σ_i log p(piece_i | pattern with n_w masks)`, all masks in one pass; the mean, so that a long word does
 * not lose by its length. `u` are the shares of the label's words.
 *
 * **Needs** a pattern with one `{mask}`, which becomes n masks. **Cost** one evaluation of the network for each number of pieces that occurs.
 * **Limits** the pieces are guessed independently of each other. Where all words have one piece, the softmax over the labels is that of
 * `clozeScores`.
 * **See also** `maxFirst`, which lets each piece see those before it.
 *
 * @throws HoldfastError `bad-argument` for a pattern with several `{mask}`
 * @see Salazar et al., Masked Language Model Scoring, ACL 2020, arXiv:1910.14659 (there each piece sees the others)
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bills', refund: 'coins' }) };
 * const [answer] = await clozeClassifier(model, { ...task, scoring: multiToken }).predict(['where is it']);
 */
export const multiToken: ClozeScoring = async (model, task, examples, { batchSize, maxLength }) => {
  requireOneMask('multiToken', task.pattern);
  const words = await wordPieces(task, model.tokenizer);
  const scores = examples.map(() => new Map<PiecedWord, number>());
  for (const n of new Set(words.flat().map(({ ids }) => ids.length))) {
    const some = words.flat().filter(({ ids }) => ids.length === n);
    const rows = await askedRows(model, task.pattern, examples, { masks: n, maxLength });
    const values = await atGaps(model, rows, batchSize, (scores) => {
      const ids = tf.tensor3d(
        some.map((word) => [[...word.ids]]),
        undefined,
        'int32',
      ); // [W, 1, n]
      return tf.squeeze<Tensor2D>(wordLogits(tf.logSoftmax(scores), { ids }), [2]); // [B, W]
    });
    values.forEach((row, i) => some.forEach((word, w) => scores[i]!.set(word, row[w]!)));
  }
  return scores.map((of) => labelScores(words, of));
};

/** The weighted mean over each label's words. */
export const labelScores = (words: readonly (readonly PiecedWord[])[], scores: ReadonlyMap<PiecedWord, number>): Float32Array =>
  Float32Array.from(words, (list) => {
    const total = list.reduce((sum, { weight }) => sum + weight, 0);
    return list.reduce((sum, word) => sum + (word.weight / total) * scores.get(word)!, 0);
  });

export function requireOneMask(owner: string, { masks, source }: Pattern): void {
  if (masks !== 1)
    throw badArgument(owner, `${source} has ${masks} {mask}: write one, it becomes as many masks as a word has tokens`);
}
