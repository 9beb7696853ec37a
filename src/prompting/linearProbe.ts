import { requireCount } from '../core/errors';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import type { TextInput, TextModel } from '../model/types';
import { answerOf, examplesOf, type Answer } from './answers';
import { requireLabels } from './contrastivePairs';
import { logisticRegression, type LogisticRegression, type LogisticRegressionOptions } from './logisticRegression';
import { unitVectors } from './unitVectors';

export interface LinearProbeOptions<Label extends string = string> extends LogisticRegressionOptions {
  readonly examples: ExampleSource<Example<Label>>;
  /** Texts of one evaluation. Default 64. */
  readonly batchSize?: number;
  /** Most tokens of a text. Default the model's. */
  readonly maxLength?: number;
}

export interface LinearProbe<Label extends string = string> {
  /** In the order in which they first come in the examples. */
  readonly labels: readonly Label[];
  readonly regression: LogisticRegression;
  /** One answer for each text, pair or example, in their order. */
  predict(texts: readonly (TextInput | Example)[]): Promise<Answer<Label>[]>;
}

/**
 * A classifier on the vectors of a model that stays as it is: logistic regression on pooled vectors of length 1.
 *
 * What any training must beat, and the second half of `setFit`. The model is read again at each `predict`.
 *
 * **Cost** one evaluation of the network for each text; nothing is trained on the device.
 * **See also** `setFit`, `logisticRegression`.
 *
 * @throws HoldfastError `bad-argument`; `unknown-label` for rows without label, `bad-data` for no examples or one label
 * @example
 * const probe = await linearProbe(model, { examples: train });
 * const [answer] = await probe.predict(['where is my invoice']);
 * console.log(answer?.label, answer?.scores.invoice);
 */
export async function linearProbe<Label extends string>(
  model: TextModel,
  options: LinearProbeOptions<Label>,
): Promise<LinearProbe<Label>> {
  const { examples: source, batchSize = 64, maxLength = model.maxLength, ...regressed } = options;
  requireCount('linearProbe', 'batchSize', batchSize);
  requireCount('linearProbe', 'maxLength', maxLength, 1, model.maxLength);
  const examples = await readAll('linearProbe', source);
  requireLabels('linearProbe', examples);
  const labels = [...new Set(examples.map(({ label }) => label!))];
  const classes = examples.map(({ label }) => labels.indexOf(label!));
  const regression = logisticRegression(await unitVectors(model, examples, { batchSize, maxLength }), classes, regressed);
  return {
    labels,
    regression,
    async predict(texts) {
      const vectors = await unitVectors(model, examplesOf(texts), { batchSize, maxLength });
      return vectors.map((vector) => answerOf(labels, regression.logits(vector)));
    },
  };
}
