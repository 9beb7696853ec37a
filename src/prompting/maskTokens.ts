import * as tf from '@tensorflow/tfjs';
import type { Tensor1D } from '@tensorflow/tfjs';
import { HoldfastError, badArgument, requirePositive } from '../core/errors';
import type { Batch, Encoded } from '../core/types';
import { randomOf } from '../data/random';
import type { Batches } from '../data/types';
import { withView } from '../data/withView';
import type { TextModel } from '../model/types';
import { maskedRow, type MaskedPlace } from './maskedRow';
import { wordsOf } from './wordsOf';

export interface MaskTokensOptions {
  /** Share of each row's tokens that are predicted, above 0 to 1. Default 0.15. */
  readonly rate?: number;
  /** All pieces of a word or none. Default false: each token by itself. */
  readonly wholeWord?: boolean;
}

/** A text of which some tokens are hidden, and what stood there. N = predicted tokens of the batch. */
export interface MaskedTokens {
  readonly inputs: Encoded;
  /** [N] int32: places in the batch's B · T tokens, ascending. */
  readonly positions: Tensor1D;
  /** [N] int32: the ids that stood there. */
  readonly targets: Tensor1D;
}

/** A batch with a masked view of its inputs; the inputs themselves stay whole. */
export interface Masked extends Batch {
  readonly masked: MaskedTokens;
}

/**
 * Hides some tokens of every batch, for the model to guess: the input of masked language modelling.
 *
 * Of the n ordinary tokens of a row `max(1, round(rate · n))` are predicted. Of those, 80 % become the mask token, 10 % a random
 * token, 10 % stay. Pairs are masked on both sides, so a sentence beside its translation gives translation language modelling.
 * The draws are a function of the run's seed, the epoch and the batch's number: each epoch masks anew, and a resumed run masks the same.
 *
 * **Needs** a tokenizer with a mask token. **Cost** the ids once more; with `wholeWord` the texts are tokenised a second time.
 * **Limits** special tokens are neither predicted nor drawn. With `wholeWord`, a row may get fewer than its share, as a word that
 * would exceed it is passed over.
 * **Differs from BERT's code** in drawing when a batch is made, not once for the corpus; from transformers' collator in the exact
 * number per row in place of a coin per token.
 * **See also** `maskedLm`, the term that reads it.
 *
 * @throws HoldfastError `bad-argument` if `rate` is out of range, or when opened if the tokenizer has no mask token; `bad-data` for a
 *   batch of special tokens only
 * @see Devlin et al., BERT, NAACL 2019, arXiv:1810.04805, section 3.1; Conneau and Lample, Cross-lingual Language Model Pretraining,
 *   NeurIPS 2019, arXiv:1901.07291, section 3.3
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * await fit(model, { objective: maskedLm(), data: maskTokens(batches(examples)), optimizer, seed: 1 });
 */
export function maskTokens<B extends Batch>(data: Batches<B>, options: MaskTokensOptions = {}): Batches<B & Masked> {
  const { rate = 0.15, wholeWord = false } = options;
  requirePositive('maskTokens', 'rate', rate, 1);
  return {
    async *open(opening) {
      const { model, seed, epoch, skip = 0 } = opening;
      if (model.tokenizer.maskId === undefined)
        throw badArgument('maskTokens', 'the tokenizer has no mask token: take a model whose tokenizer has one');
      let number = skip;
      for await (const batch of data.open(opening)) {
        const random = randomOf(seed, epoch, 'mask', number++);
        yield await withView(batch, async () => ({ masked: await maskedView(batch, model, { rate, wholeWord, random }) }));
      }
    },
  };
}

interface Draw {
  readonly rate: number;
  readonly wholeWord: boolean;
  readonly random: () => number;
}

async function maskedView(batch: Batch, { tokenizer }: TextModel, { rate, wholeWord, random }: Draw): Promise<MaskedTokens> {
  const { ids, mask, types } = batch.inputs;
  const [B, T] = ids.shape;
  const [whole, present] = await Promise.all([ids.data(), mask.data()]);
  const special = new Set(tokenizer.specialIds);
  const ordinary = (at: number) => present[at]! > 0 && !special.has(whole[at]!);
  const words = wholeWord ? await wordsOf(batch.examples, tokenizer, T) : undefined;
  const vocabulary = { maskId: tokenizer.maskId!, size: tokenizer.vocabularySize, special };

  const hidden = Int32Array.from(whole);
  const places: MaskedPlace[] = [];
  for (let b = 0; b < B; b++) {
    const tokens = Array.from({ length: T }, (_, t) => b * T + t).filter(ordinary);
    const groups = words ? words[b]!.map((word) => word.map((t) => b * T + t).filter(ordinary)) : tokens.map((at) => [at]);
    places.push(...maskedRow(groups, { rate, count: tokens.length, vocabulary, random }));
  }
  if (places.length === 0)
    throw new HoldfastError(
      'bad-data',
      `maskTokens: none of the ${B} rows of a batch has a token that can be masked, only special ones. Drop such rows.`,
    );
  for (const { at, id } of places) if (id !== undefined) hidden[at] = id;
  return {
    // Without `places`: the decoder's gradient fills the whole table anyway, and a drawn token may not be in the batch's vocabulary.
    inputs: { ids: tf.tensor2d(hidden, [B, T], 'int32'), mask, ...(types && { types }) },
    positions: tf.tensor1d(
      Int32Array.from(places, ({ at }) => at),
      'int32',
    ), // [N]
    targets: tf.tensor1d(
      Int32Array.from(places, ({ at }) => whole[at]!),
      'int32',
    ), // [N]
  };
}
