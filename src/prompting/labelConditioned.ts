import * as tf from '@tensorflow/tfjs';
import type { Tensor1D } from '@tensorflow/tfjs';
import { HoldfastError, requireNumber, requirePositive } from '../core/errors';
import { drawBelow, randomOf } from '../data/random';
import { shuffled } from '../data/shuffled';
import type { Batches } from '../data/types';
import { withView } from '../data/withView';
import type { TextModel } from '../model/types';
import type { Cloze } from './cloze';
import type { MaskedTokens } from './maskTokens';

export interface LabelConditionedOptions {
  /** Share of each row's tokens that are predicted, above 0 to 1. Default 0.105. */
  readonly rate?: number;
  /** Share of the rows whose gap is filled with a word of a wrong label, 0 to 1. Default 0.5. */
  readonly wrong?: number;
}

/** Cloze questions with an answer filled in, right or wrong, of which other tokens are hidden. N = hidden tokens of the batch. */
export interface LabelConditioned extends Cloze {
  readonly conditioned: MaskedTokens & {
    /** [N] float32: 1 where the answer that is filled in is the right one. */
    readonly right: Tensor1D;
  };
}

/**
 * Fills each gap with a label's word, the right one or a wrong one, and hides tokens around it: the input of `labelConditionedMlm`.
 *
 * Of the n ordinary tokens of a row, gaps left out, `max(1, round(rate · n))` become the mask token. Which ones, and the words, is a
 * function of the run's seed, the epoch and the batch's number.
 *
 * **Needs** the batches of `cloze`. **Cost** the ids once more.
 * **Limits** `wrong` = 0 is masked language modelling of texts with their right answers.
 * **Differs from the paper** in hiding words of the pattern too, not of the text alone.
 * **See also** `adapet`.
 *
 * @throws HoldfastError `bad-argument` if an option is out of range; when opened, `bad-data` for a batch without any token to hide
 * @see Tam et al., Improving and Simplifying Pattern Exploiting Training, EMNLP 2021, arXiv:2103.11955, section 3.2
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('It is about {mask}. {text}'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * await fit(model, { objective: adapet(), data: labelConditioned(cloze(train, task)), optimizer, seed: 1 });
 */
export function labelConditioned<B extends Cloze>(
  data: Batches<B>,
  { rate = 0.105, wrong = 0.5 }: LabelConditionedOptions = {},
): Batches<B & LabelConditioned> {
  requirePositive('labelConditioned', 'rate', rate, 1);
  requireNumber('labelConditioned', 'wrong', wrong, 0, 1);
  return {
    async *open(opening) {
      let number = opening.skip ?? 0;
      for await (const batch of data.open(opening)) {
        const random = randomOf(opening.seed, opening.epoch, 'answer', number++);
        yield await withView(batch, async () => ({
          conditioned: await conditionedView(batch, opening.model, { rate, wrong, random }),
        }));
      }
    },
  };
}

interface Draw extends Required<LabelConditionedOptions> {
  readonly random: () => number;
}

async function conditionedView(
  { inputs, cloze: { positions, labels, words } }: Cloze,
  { tokenizer }: TextModel,
  { rate, wrong, random }: Draw,
): Promise<LabelConditioned['conditioned']> {
  const { ids, mask, types } = inputs;
  const [B, T] = ids.shape;
  const [whole, present, gaps, right, shares, words3] = await Promise.all([
    ...[ids.data<'int32'>(), mask.data<'float32'>(), positions.data<'int32'>(), labels.data<'int32'>()],
    ...[words.weights.data<'float32'>(), words.ids.data<'int32'>()],
  ] as const);
  const [L, W, k] = words.ids.shape;
  const special = new Set(tokenizer.specialIds);
  const filled = Int32Array.from(whole);
  const hidden: number[] = [];
  const answers: number[] = [];
  for (let b = 0; b < B; b++) {
    // Always two draws, so that one row's answer does not shift the next one's.
    const [isWrong, other] = [random() < wrong, drawBelow(L - 1, random)];
    const label = isWrong ? (other < right[b]! ? other : other + 1) : right[b]!;
    const own = Array.from({ length: W }, (_, w) => w).filter((w) => shares[label * W + w]! > 0);
    const word = own[drawBelow(own.length, random)]!;
    for (let m = 0; m < k; m++) filled[gaps[b * k + m]!] = words3[(label * W + word) * k + m]!;
    const rowGaps = new Set(gaps.subarray(b * k, (b + 1) * k));
    const tokens = Array.from({ length: T }, (_, t) => b * T + t).filter(
      (at) => present[at]! > 0 && !rowGaps.has(at) && !special.has(whole[at]!),
    );
    const places = shuffled(tokens, random).slice(0, Math.max(1, Math.round(rate * tokens.length)));
    for (const at of places.sort((one, two) => one - two)) {
      hidden.push(at);
      answers.push(isWrong ? 0 : 1);
    }
  }
  if (hidden.length === 0)
    throw new HoldfastError(
      'bad-data',
      `labelConditioned: none of the ${B} rows of a batch has a token beside the gap that can be hidden. Drop such rows.`,
    );
  const targets = hidden.map((at) => whole[at]!);
  for (const at of hidden) filled[at] = tokenizer.maskId!;
  return {
    // Without `places`: a word that is filled in may not be in the batch's vocabulary.
    inputs: { ids: tf.tensor2d(filled, [B, T], 'int32'), mask, ...(types && { types }) },
    positions: tf.tensor1d(hidden, 'int32'), // [N]
    targets: tf.tensor1d(targets, 'int32'), // [N]
    right: tf.tensor1d(answers), // [N]
  };
}
