import { clozeScores, type ClozeScoring } from './clozeScores';

/**
 * Contextual calibration: the scores that the pattern gets on an empty text are subtracted, so that a word the model likes anyway
 * has no advantage.
 *
 * `z'[l] = z[l] − z_empty[l]`: the probabilities divided by those of the empty text, and normalised again.
 *
 * **Cost** one more row per call. **Limits** an empty text gets equal scores for all labels.
 * **Differs from the paper** in one empty text where it takes the mean over "N/A", "[MASK]" and the empty string.
 *
 * @param scoring what is calibrated; default `clozeScores`
 * @see Zhao et al., Calibrate Before Use, ICML 2021, arXiv:2102.09690, section 5
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const classifier = clozeClassifier(model, { ...task, scoring: calibrated() });
 */
export const calibrated =
  (scoring: ClozeScoring = clozeScores): ClozeScoring =>
  async (model, task, examples, options) => {
    const [empty] = await scoring(model, task, [{ text: '', pair: '', label: '' }], options);
    const scores = await scoring(model, task, examples, options);
    return scores.map((row) => row.map((score, l) => score - empty![l]!));
  };
