import * as tf from '@tensorflow/tfjs';
import type { Tensor2D } from '@tensorflow/tfjs';
import type { Batch } from '../core/types';
import { batches, type BatchesOptions } from '../data/batches';
import { findings } from '../data/issues';
import { openClasses } from '../data/openClasses';
import { readAll, requireReopenable } from '../data/source';
import type { Batches, Example, ExampleSource } from '../data/types';
import { withView } from '../data/withView';
import type { Head } from '../model/types';
import { ensemble, type EnsembleOptions, type Voter } from './ensemble';

/** An example whose label is known by probabilities. They are part of it, so a copy and JSON keep them. */
export interface SoftExample<Label extends string = string> extends Example {
  /** Probability of each label; they add up to 1. */
  readonly soft: Readonly<Record<Label, number>>;
}

/** A batch of which the labels' probabilities are known. */
export interface SoftLabeled extends Batch {
  /** [B, C] float32: probabilities; a row adds up to 1. */
  readonly soft: Tensor2D;
  /** [B, C] float32: 1 = this class takes part. */
  readonly classes: Tensor2D;
}

export interface SoftBatchesOptions extends BatchesOptions {
  /** The head that the labels belong to. */
  readonly head: Head;
}

/**
 * Lets classifiers label texts by probabilities: what they know, and how sure of it they are, as the training data of a single model.
 *
 * **Needs** texts of the kind that the model will meet; their own labels, if there are any, are not read.
 * **Cost** that of one answer of each classifier for each text, once. The model that learns from them needs no pattern any more.
 * **Limits** what all classifiers get wrong, the model learns wrong.
 * **See also** `ensemble`, `softBatches`, `labelDistillation`; `nextGeneration`, which labels anew in several rounds.
 *
 * @param classifiers as for `ensemble` @param source unlabelled texts
 * @throws HoldfastError as `ensemble` does; `bad-data` for no texts
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3.3
 * @example
 * const teacher = await linearProbe(model, { examples: train });
 * const known = await softLabels([teacher], examples);
 * await fit(model, { objective: labelDistillation(), data: softBatches(known, { head }), optimizer, seed: 1 });
 */
export async function softLabels<Label extends string>(
  classifiers: readonly Voter<Label>[],
  source: ExampleSource,
  options: EnsembleOptions = {},
): Promise<SoftExample<Label>[]> {
  const together = ensemble(classifiers, options);
  const examples = await readAll('softLabels', source);
  const answers = await together.predict(examples);
  return examples.map((example, i) => ({ ...example, soft: answers[i]!.scores }));
}

/**
 * Turns examples with probabilities into batches: the data of `labelDistillation`.
 *
 * **Needs** a head that has all their labels; one that an example does not name has probability 0 there.
 * **See also** `softLabels`, `batches`, whose options it takes.
 *
 * @throws HoldfastError as `batches` does; when opened, `unknown-label`, or `bad-data` for probabilities that are missing, negative or
 *   do not add up to 1, with all rows concerned
 * @example
 * const known = examples.map(({ text }) => ({ text, soft: { invoice: 0.9, refund: 0.1 } }));
 * await fit(model, { objective: labelDistillation(), data: softBatches(known, { head }), optimizer, seed: 1 });
 */
export function softBatches(source: ExampleSource<SoftExample>, options: SoftBatchesOptions): Batches<SoftLabeled> {
  const { head, ...others } = options;
  requireReopenable('softBatches', source);
  batches([], others); // Refuses bad options at once.
  return {
    async *open(opening) {
      const examples = await readAll('softBatches', source, opening);
      requireSoft(examples, head);
      const C = opening.model.classCount;
      const open = openClasses('softBatches', [head], C);
      for await (const batch of batches<Example>(examples, others).open(opening))
        yield await withView(batch, () => {
          const rows = batch.examples as readonly SoftExample[];
          const [soft, classes] = [new Float32Array(rows.length * C), new Float32Array(rows.length * C)];
          rows.forEach((row, b) => {
            classes.set(open, b * C);
            for (const [label, p] of Object.entries(row.soft)) soft[b * C + head.columnOf(label)!] = p;
          });
          return { soft: tf.tensor2d(soft, [rows.length, C]), classes: tf.tensor2d(classes, [rows.length, C]) };
        });
    },
  };
}

function requireSoft(examples: readonly SoftExample[], head: Head): void {
  const [values, labels] = [findings(), findings()];
  examples.forEach(({ soft }: Partial<SoftExample>, i) => {
    const entries = Object.entries(soft ?? {});
    const total = entries.reduce((sum, [, p]) => sum + p, 0);
    if (!soft) values.add({ message: `row ${i + 1} has no probabilities: softLabels makes them` });
    else if (entries.some(([, p]) => !(p >= 0)) || !(Math.abs(total - 1) < 1e-3))
      values.add({ message: `the probabilities of row ${i + 1} must be ≥ 0 and add up to 1, they add up to ${total}` });
    for (const [label] of entries)
      if (head.columnOf(label) === undefined) labels.add({ message: `label '${label}' in row ${i + 1}` });
  });
  values.throwIfAny('bad-data', 'softBatches cannot use the probabilities');
  labels.throwIfAny('unknown-label', `softBatches cannot use the labels (head '${head.name}' has ${head.labels.join(', ')})`);
}
