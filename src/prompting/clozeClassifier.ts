import { requireCount } from '../core/errors';
import type { Example } from '../data/types';
import type { TextInput, TextModel } from '../model/types';
import { answerOf, examplesOf, type Answer } from './answers';
import { clozeScores, type ClozeScoring } from './clozeScores';
import type { ClozeTask } from './wordPieces';

export interface ClozeClassifierOptions<Label extends string = string> extends ClozeTask<Label> {
  /** How the labels are scored. Default `clozeScores`. */
  readonly scoring?: ClozeScoring;
  /** Most rows of one evaluation. Default 32. */
  readonly batchSize?: number;
  /** Most tokens of a filled pattern. Default the model's. */
  readonly maxLength?: number;
}

export interface ClozeClassifier<Label extends string = string> {
  readonly labels: readonly Label[];
  /** One answer for each text, pair or example, in their order. */
  predict(texts: readonly (TextInput | Example)[]): Promise<Answer<Label>[]>;
}

/**
 * A classifier that asks cloze questions: without any training, or with the weights that training by `pet` left.
 *
 * The probability of a label is the softmax over the labels of their scores (see `clozeScores`). The model is read at each call and not changed.
 *
 * **Needs** a model with a masked-language head that was trained: a fresh one guesses.
 * **Cost** that of the scoring; nothing is kept but what the options hold.
 * **Limits** a zero-shot answer depends much on pattern and words: measure several on a few labelled rows.
 * **See also** `calibrated`, `multiToken`, `maxFirst` for `scoring`.
 *
 * @throws HoldfastError `bad-argument`; on `predict` what `pattern` and the scoring throw, `not-found` without a masked-language head, `not-finite`
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const [answer] = await clozeClassifier(model, task).predict(['where is my invoice']);
 * console.log(answer?.label, answer?.scores.invoice);
 */
export function clozeClassifier<Label extends string>(
  model: TextModel,
  options: ClozeClassifierOptions<Label>,
): ClozeClassifier<Label> {
  const { pattern, verbalizer, scoring = clozeScores, batchSize = 32, maxLength = model.maxLength } = options;
  requireCount('clozeClassifier', 'batchSize', batchSize);
  requireCount('clozeClassifier', 'maxLength', maxLength, 1, model.maxLength);
  const { labels } = verbalizer;
  return {
    labels,
    async predict(texts) {
      const examples = examplesOf(texts);
      if (examples.length === 0) return [];
      const scores = await scoring(model, { pattern, verbalizer }, examples, { batchSize, maxLength });
      return scores.map((row) => answerOf(labels, row));
    },
  };
}
