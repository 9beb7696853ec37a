import type { Example } from '../data/types';
import type { TextModel } from '../model/types';
import { askedRows, atGaps } from './askedRows';
import { verbalizerLogits } from './verbalizerLogits';
import { labelWords, requireWhole, wordPieces, type ClozeTask } from './wordPieces';

export interface ScoringOptions {
  /** Most rows of one evaluation of the network. */
  readonly batchSize: number;
  /** Most tokens of a filled pattern. */
  readonly maxLength: number;
}

/** Asks a model cloze questions: for each example the scores of the labels, whose softmax are their probabilities. */
export type ClozeScoring = (
  model: TextModel,
  task: ClozeTask,
  examples: readonly Example[],
  options: ScoringOptions,
) => Promise<Float32Array[]>;

/**
 * The labels' scores by `verbalizerLogits`, for words of as many tokens as the pattern has `{mask}`. What training by `pet` optimises.
 *
 * **Cost** one evaluation of the network per batch. **See also** `multiToken`, `calibrated`.
 *
 * @throws HoldfastError `bad-argument` naming the first word that has more or fewer tokens, with its pieces
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const [scores] = await clozeScores(model, task, [{ text: 'where is it' }], { batchSize: 32, maxLength: 64 });
 */
export const clozeScores: ClozeScoring = async (model, task, examples, { batchSize, maxLength }) => {
  const words = await wordPieces(task, model.tokenizer);
  requireWhole(words, task.pattern, model.tokenizer);
  const rows = await askedRows(model, task.pattern, examples, { masks: 1, maxLength });
  return atGaps(model, rows, batchSize, (scores) => verbalizerLogits(scores, labelWords(words)));
};
