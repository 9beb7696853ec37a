import { requireCount, requireNumber, requirePositive } from '../core/errors';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import { cosineSimilarityLoss } from '../losses/cosineSimilarityLoss';
import type { PretrainedModel } from '../model/model';
import { adamW } from '../training/adamW';
import { clipped } from '../training/clipped';
import { fit, type FitResult } from '../training/fit';
import type { FitOptions } from '../training/fitOptions';
import { linear } from '../training/schedules';
import { contrastivePairs, pairsOfEpoch, requireLabels, requireSingle, type DrawnPairsOptions } from './contrastivePairs';
import { linearProbe, type LinearProbe } from './linearProbe';
import type { Paired } from '../losses/cosineSimilarityLoss';

export interface SetFitOptions<Label extends string = string>
  extends DrawnPairsOptions, Pick<FitOptions<Paired>, 'seed' | 'signal' | 'onEvent'> {
  readonly examples: ExampleSource<Example<Label>>;
  /** Of the contrastive training. Default 1. */
  readonly epochs?: number;
  /** Pairs of one step. Default 16. */
  readonly batchSize?: number;
  /** Peak of the learning rate; it rises over a tenth of the steps and falls to 0. Default 2e-5. */
  readonly learningRate?: number;
  /** λ of the head; see `linearProbe`. Default 1. */
  readonly l2?: number;
  /** Most tokens of a text. Default the model's. */
  readonly maxLength?: number;
}

export interface SetFitClassifier<Label extends string = string> extends LinearProbe<Label> {
  /** The trained copy, which the classifier owns. */
  readonly model: PretrainedModel;
  readonly training: FitResult;
  /** Frees the copy. */
  dispose(): void;
}

/**
 * SetFit: from a few labelled texts, many pairs; the encoder learns which texts belong together, then a linear head reads its vectors.
 *
 * First `fit` by `cosineSimilarityLoss` on `contrastivePairs`, by AdamW with clipping at 1; then `linearProbe` on the trained encoder.
 * It trains a copy: the model given stays as it is. To train the model itself, call those two.
 *
 * **Needs** an encoder whose vectors mean something, best a sentence encoder; two labels or more, from about 8 texts each.
 * **Cost** 2 · `pairs` · N / `batchSize` steps, with `unique` at most, of two evaluations each; a second model in memory until `dispose`.
 * **Limits** with a learning rate of 0 it is `linearProbe`.
 * **Differs from the paper's code** in the length of 1 that the vectors have for the head; there it is an option.
 * **See also** `linearProbe`, to see what the training gives; `efl`, `clozeClassifier`, which make use of what labels mean.
 *
 * @throws HoldfastError `bad-argument`; `unknown-label` for rows without label, `bad-data` for no examples, one label, or rows with a
 *   second text; what `fit` throws
 * @see Tunstall et al., Efficient Few-Shot Learning Without Prompts, 2022, arXiv:2209.11055
 * @see https://github.com/huggingface/setfit
 * @example
 * const classifier = await setFit(model, { examples: train, pairs: 2, seed: 1 });
 * const [answer] = await classifier.predict(['where is my invoice']);
 * console.log(answer?.label, answer?.scores.invoice);
 * classifier.dispose();
 */
export async function setFit<Label extends string>(
  model: PretrainedModel,
  options: SetFitOptions<Label>,
): Promise<SetFitClassifier<Label>> {
  const { examples: source, pairs = 20, unique = false, epochs = 1, batchSize = 16, learningRate = 2e-5, l2 = 1 } = options;
  const { maxLength = model.maxLength, seed = crypto.getRandomValues(new Uint32Array(1))[0]!, signal, onEvent } = options;
  requireNumber('setFit', 'learningRate', learningRate);
  requirePositive('setFit', 'l2', l2);
  requireCount('setFit', 'epochs', epochs);
  requireCount('setFit', 'pairs', pairs);
  requireCount('setFit', 'batchSize', batchSize);
  requireCount('setFit', 'maxLength', maxLength, 1, model.maxLength);
  const examples = await readAll('setFit', source);
  requireLabels('setFit', examples);
  requireSingle('setFit', examples);

  let steps = 0;
  for (let epoch = 0; epoch < epochs; epoch++)
    steps += Math.ceil(lengthOf(pairsOfEpoch(examples, { pairs, unique }, { seed, epoch })) / batchSize);
  const schedule = linear({ peak: learningRate, warmup: Math.floor(steps / 10), steps });
  const optimizer = clipped(adamW({ learningRate: schedule }), { norm: 1 });
  const copy = model.clone();
  try {
    const training = await fit(copy, {
      objective: cosineSimilarityLoss(),
      data: contrastivePairs(examples, { pairs, unique, batchSize, maxLength }),
      ...{ optimizer, epochs, seed },
      ...(signal && { signal }),
      ...(onEvent && { onEvent }),
    });
    const probe = await linearProbe(copy, { examples, l2, maxLength });
    return { ...probe, model: copy, training, dispose: () => copy.dispose() };
  } catch (cause) {
    copy.dispose();
    throw cause;
  } finally {
    optimizer.dispose();
  }
}

function lengthOf(items: Iterable<unknown>): number {
  let count = 0;
  for (const _ of items) count++;
  return count;
}
