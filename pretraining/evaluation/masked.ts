import * as tf from '@tensorflow/tfjs';
import { shuffled, type PretrainedModel, type Tokens } from '../../src';
import { encoded, padded } from '../../src/data/encoded';
import { randomOf } from '../../src/data/random';
import { cut } from '../../src/engine/cut';
import type { MaskedResult } from './results';
import { meanOf } from './statistics';

export interface HeldOut {
  readonly lang: string;
  readonly text: string;
}

const batchSize = 32;
const share = 0.15;

/** A text whose chosen tokens are replaced by the mask. */
export interface Hidden {
  readonly tokens: Tokens;
  /** Places of the hidden tokens, and what stood there. */
  readonly places: readonly number[];
  readonly answers: readonly number[];
}

/** Hides 15 % of a text's tokens, at least one; never a special one. Undefined for a text without tokens of its own. */
export function hide(tokens: Tokens, maskId: number, special: ReadonlySet<number>, random: () => number): Hidden | undefined {
  const open = tokens.ids.flatMap((id, place) => (special.has(id) ? [] : [place]));
  if (open.length === 0) return undefined;
  const places = shuffled(open, random)
    .slice(0, Math.max(1, Math.round(share * open.length)))
    .sort((a, b) => a - b);
  const chosen = new Set(places);
  return {
    tokens: { ...tokens, ids: tokens.ids.map((id, place) => (chosen.has(place) ? maskId : id)) },
    places,
    answers: places.map((place) => tokens.ids[place]!),
  };
}

/**
 * How often the first guess for a hidden token is right, in sentences that the model never saw, by language.
 * Which tokens are hidden depends on the text's place and the tokenizer alone; figures of different tokenizers do not compare.
 * Null without a masked-language head.
 */
export async function maskedOf(model: PretrainedModel, rows: readonly HeldOut[]): Promise<MaskedResult | null> {
  const { maskId, specialIds } = model.tokenizer;
  if (!model.hasMaskedLmHead || maskId === undefined || rows.length === 0) return null;
  const special = new Set(specialIds);
  const accuracy: Record<string, number> = {};
  const counts: Record<string, number> = {};
  for (const language of new Set(rows.map(({ lang }) => lang))) {
    const texts = rows.filter(({ lang }) => lang === language).map(({ text }) => text);
    const tokens = await model.tokenizer.encode(texts, { maxLength: model.maxLength });
    const hidden = tokens
      .flatMap((row, i) => hide(row, maskId, special, randomOf('masked', language, i)) ?? [])
      .sort((a, b) => a.tokens.ids.length - b.tokens.ids.length);
    let right = 0;
    for (let at = 0; at < hidden.length; at += batchSize) right += await rightOf(model, hidden.slice(at, at + batchSize));
    counts[language] = hidden.reduce((sum, { places }) => sum + places.length, 0);
    accuracy[language] = right / counts[language];
  }
  return { accuracy, hidden: counts, mean: meanOf(Object.values(accuracy)) };
}

/** How many of the first guesses are right. */
async function rightOf(model: PretrainedModel, some: readonly Hidden[]): Promise<number> {
  const guesses = tf.tidy(() => {
    const host = padded(
      some.map(({ tokens }) => tokens),
      { padId: model.tokenizer.padId, maxLength: model.maxLength },
    );
    const [B, T] = host.shape;
    const states = tf.reshape(model.forward(encoded(host)).hidden, [B * T, model.hiddenSize]); // [B T, H]
    const at = some.flatMap(({ places }, b) => places.map((place) => b * T + place));
    const scores = model.tokenLogits(tf.gather(states, tf.tensor1d(at, 'int32')) as tf.Tensor2D); // [N, V]
    return tf.argMax(scores, -1);
  });
  cut();
  const ids = await guesses.data();
  guesses.dispose();
  return some.flatMap(({ answers }) => answers).filter((answer, n) => answer === ids[n]).length;
}
