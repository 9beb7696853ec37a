import { requireCount, requirePositive } from '../core/errors';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import type { TextInput, TextModel } from '../model/types';
import { answerOf, examplesOf, type Answer } from './answers';
import { requireLabels } from './contrastivePairs';
import { logisticRegression, type LogisticRegression, type LogisticRegressionOptions } from './logisticRegression';
import { unitVectors } from './unitVectors';

export interface LinearProbeOptions<Label extends string = string> extends Omit<LogisticRegressionOptions, 'l2'> {
  readonly examples: ExampleSource<Example<Label>>;
  /** λ, above 0: how much large weights cost, by how far the vectors lie apart. Default 1. */
  readonly l2?: number;
  /** Most texts of one evaluation. Default 64. */
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
 * It costs λ s² for large weights, with `s²` the vectors' mean squared distance from their mean: so λ means the same for an encoder whose vectors
 * all point nearly one way, as those of E5 do, and is scikit-learn's where they point everywhere (s = 1).
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
  const { examples: source, batchSize = 64, maxLength = model.maxLength, l2 = 1, ...regressed } = options;
  requireCount('linearProbe', 'batchSize', batchSize);
  requirePositive('linearProbe', 'l2', l2);
  requireCount('linearProbe', 'maxLength', maxLength, 1, model.maxLength);
  const examples = await readAll('linearProbe', source);
  requireLabels('linearProbe', examples);
  const labels = [...new Set(examples.map(({ label }) => label!))];
  const classes = examples.map(({ label }) => labels.indexOf(label!));
  const vectors = await unitVectors(model, examples, { batchSize, maxLength });
  const regression = logisticRegression(vectors, classes, { ...regressed, l2: l2 * spreadOf(vectors) });
  return {
    labels,
    regression,
    async predict(texts) {
      const vectors = await unitVectors(model, examplesOf(texts), { batchSize, maxLength });
      return vectors.map((vector) => answerOf(labels, regression.logits(vector)));
    },
  };
}

/** Mean squared distance of vectors of length 1 from their mean: `1 − ‖mean‖²`. Where all are one, there is nothing to tell apart. */
export function spreadOf(vectors: readonly ArrayLike<number>[]): number {
  const width = vectors[0]!.length;
  let squared = 0;
  for (let h = 0; h < width; h++) squared += (vectors.reduce((sum, vector) => sum + vector[h]!, 0) / vectors.length) ** 2;
  return Math.max(1 - squared, 1e-6);
}
