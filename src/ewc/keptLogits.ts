import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { outputRows } from '../data/outputRows';
import { tokenised } from '../data/tokenised';
import type { Example } from '../data/types';
import type { Head, TextModel } from '../model/types';

/** What is kept beside an example. */
export interface KeptLogits {
  /** What the model said when the example's task was learned, by column; null = this class took no part then. */
  readonly logits: readonly (number | null)[];
  /** What a drawn row is compared by; absent: both. */
  readonly only?: 'logits' | 'label';
}

/** An example in memory. The logits are part of it, so a copy and JSON keep them. */
export interface RememberedExample extends Example {
  readonly derpp: KeptLogits;
}

export const keptOf = (example: unknown): KeptLogits | undefined => (example as Partial<RememberedExample>).derpp;

export const withLogits = (example: Example, derpp: KeptLogits): RememberedExample => ({ ...example, derpp });

/** Without what another memory kept. */
export function plain(example: Example): Example {
  const { derpp: _old, ...own } = example as Partial<RememberedExample> & Example;
  return own;
}

/** The logits of each example, without dropout; null in the columns that none of `heads` has. */
export async function logitsOf(
  model: TextModel,
  examples: readonly Example[],
  heads: readonly Head[],
): Promise<KeptLogits['logits'][]> {
  const open = new Set(
    heads.flatMap(({ name }) => {
      const { offset, labels } = model.head(name);
      return labels.map((_, i) => offset + i);
    }),
  );
  const rows = await tokenised(
    examples.map((example) => ({ example })),
    [],
    model.tokenizer,
    model.maxLength,
  );
  const all = await outputRows(model, rows, 64, ({ logits }) => logits); // [N][C]
  return all.map((logits) => Array.from(logits, (logit, c) => (open.has(c) ? logit : null)));
}

/** A batch's remembered rows as tensors; undefined without any. */
export interface RememberedRows {
  /** [B]: 1 for new rows, for remembered ones `beta`, or 0 where only the logits count. */
  readonly weights: tf.Tensor1D;
  /** [B, C]: the logits to compare with. */
  readonly logits: tf.Tensor2D;
  /** [B, C]: 1 = compared. */
  readonly known: tf.Tensor2D;
  /** Rows that are compared. */
  readonly compared: number;
}

export function rememberedRows(examples: readonly unknown[], C: number, beta: number): RememberedRows | undefined {
  const kept = examples.map(keptOf);
  const remembered = kept.filter((one) => one !== undefined);
  if (remembered.length === 0) return undefined;
  const widest = Math.max(...remembered.map(({ logits }) => logits.length));
  if (widest > C)
    throw badArgument('derpp', `the memory has logits of ${widest} classes, the model ${C}: it remembers another model's.`);
  // Rehearsed rows share one mean: where only some of them count by their label, these few make up the whole of it.
  const rehearsedBy = (what: KeptLogits['only']) => remembered.filter(({ only = what }) => only === what).length;
  const old = (beta * remembered.length) / Math.max(1, rehearsedBy('label'));
  const [logits, known] = [new Float32Array(kept.length * C), new Float32Array(kept.length * C)];
  kept.forEach((one, b) => {
    if (one?.only === 'label') return;
    one?.logits.forEach((logit, c) => {
      logits[b * C + c] = logit ?? 0;
      known[b * C + c] = logit === null ? 0 : 1;
    });
  });
  return {
    weights: tf.tensor1d(kept.map((one) => (!one ? 1 : one.only === 'logits' ? 0 : old))),
    logits: tf.tensor2d(logits, [kept.length, C]),
    known: tf.tensor2d(known, [kept.length, C]),
    compared: rehearsedBy('logits'),
  };
}
