import * as tf from '@tensorflow/tfjs';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import type { Batch } from '../core/types';
import { batches, type BatchesOptions } from '../data/batches';
import { findings } from '../data/issues';
import { readAll, requireReopenable } from '../data/source';
import type { Batches, Example, ExampleSource } from '../data/types';
import { withView } from '../data/withView';
import { maskPlaces } from './maskScores';
import { labelWords, requireWhole, wordPieces, type ClozeTask, type LabelWords } from './wordPieces';

/** A batch of cloze questions: its texts have gaps, and what belongs there is known. L = labels, k = masks of the pattern. */
export interface Cloze extends Batch {
  readonly cloze: {
    /** [B, k] int32: the gaps' places in the batch's B · T tokens. */
    readonly positions: Tensor2D;
    /** [B] int32: the right label, by its place in the verbalizer. */
    readonly labels: Tensor1D;
    readonly words: LabelWords;
  };
}

export interface ClozeOptions<Label extends string = string> extends ClozeTask<Label>, BatchesOptions {}

/**
 * Turns labelled examples into cloze questions, in batches: the data of `pet` and `clozeCrossEntropy`.
 *
 * Each example goes into the pattern (see `pattern`), then through `batches`, which shuffles, sorts by length and pads. The model needs
 * no head: the labels are the verbalizer's. `maskTokens(cloze(…))` hides further tokens, of the pattern and the text, and leaves the gaps.
 *
 * **Needs** labels that the verbalizer has, and words of as many tokens as the pattern has `{mask}`.
 * **Cost** the texts are tokenised twice per epoch.
 * **Limits** `batch.examples` hold the filled texts. Nothing is rehearsed here: the labels belong to no head.
 * **See also** `clozeClassifier` (asks without training, or afterwards).
 *
 * @throws HoldfastError as `batches` does; when opened, `unknown-label` with all rows concerned, and what `pattern` and `verbalizer` throw
 * @example
 * const asked = pattern('It is about {mask}. {text}');
 * const meaning = verbalizer({ invoice: ['bill'], refund: ['money'] });
 * model.addMaskedLmHead({ seed: 1 });
 * const data = cloze(train, { pattern: asked, verbalizer: meaning, batchSize: 8 });
 * await fit(model, { objective: clozeCrossEntropy(), data, optimizer, seed: 1 });
 */
export function cloze<E extends Example>(source: ExampleSource<E>, options: ClozeOptions): Batches<Cloze> {
  const { pattern, verbalizer, ...others } = options;
  requireReopenable('cloze', source);
  batches([], others); // Refuses bad options at once.
  return {
    async *open(opening) {
      const { model } = opening;
      const { tokenizer } = model;
      const examples = await readAll('cloze', source, opening);
      requireLabels(examples, verbalizer.labels);
      const words = await wordPieces({ pattern, verbalizer }, tokenizer);
      requireWhole(words, pattern, tokenizer);
      const filled = await pattern.fill(examples, { tokenizer, maxLength: others.maxLength ?? model.maxLength });
      for await (const batch of batches<Example>(filled, others).open(opening))
        yield await withView(batch, async () => {
          const asked = await questions(batch, { pattern, verbalizer }, tokenizer.maskId!);
          return { cloze: { ...asked, words: labelWords(words) } };
        });
    },
  };
}

async function questions(
  { inputs: { ids }, examples }: Batch,
  { pattern, verbalizer }: ClozeTask,
  maskId: number,
): Promise<Omit<Cloze['cloze'], 'words'>> {
  const [B, T] = ids.shape;
  const places = maskPlaces(await ids.data(), T, maskId, pattern.masks);
  const labels = examples.map((example) => verbalizer.labels.indexOf((example as Example).label!));
  return { positions: tf.tensor2d(places, [B, pattern.masks], 'int32'), labels: tf.tensor1d(labels, 'int32') };
}

function requireLabels(examples: readonly Example[], labels: readonly string[]): void {
  const problems = findings();
  examples.forEach(({ label }, i) => {
    if (label === undefined) problems.add({ message: `row ${i + 1} has no label` });
    else if (!labels.includes(label))
      problems.add({ message: `label '${label}' in row ${i + 1} is not one of the verbalizer's` });
  });
  problems.throwIfAny('unknown-label', `cloze cannot use the labels (the verbalizer has ${labels.join(', ')})`);
}
