import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import type { Tokenizer } from '../model/types';
import type { Pattern } from './pattern';
import type { LabelWord, Verbalizer } from './verbalizer';

/** A label's word in a model's vocabulary. */
export interface PiecedWord extends LabelWord {
  readonly ids: readonly number[];
}

/** The task of a cloze question: where the gap is, and what the words there mean. */
export interface ClozeTask<Label extends string = string> {
  readonly pattern: Pattern;
  readonly verbalizer: Verbalizer<Label>;
}

/** The label words as tensors, places without a word with weight 0. k = masks of the pattern. */
export interface LabelWords {
  /** [L, W, k] int32 */
  readonly ids: Tensor3D;
  /** [L, W] float32: each word's share of its label; a row adds up to 1. */
  readonly weights: Tensor2D;
}

/**
 * The tokens of each label's words, in the form that they have at the pattern's gap.
 *
 * @throws HoldfastError `bad-argument` for a word that is not in the vocabulary, or two labels that share a word's tokens
 */
export async function wordPieces({ verbalizer, pattern }: ClozeTask, tokenizer: Tokenizer): Promise<PiecedWord[][]> {
  const meaning = new Map<string, string>();
  return Promise.all(
    verbalizer.words.map((words, l) =>
      Promise.all(
        words.map(async (word): Promise<PiecedWord> => {
          const ids = await idsAt(pattern.before, word.text, tokenizer);
          if (ids.length === 0 || ids.some((id) => tokenizer.specialIds.includes(id)))
            throw badArgument('verbalizer', `the vocabulary has no tokens for the word '${word.text}': take another word`);
          const label = verbalizer.labels[l]!;
          const other = meaning.get(ids.join());
          if (other !== undefined && other !== label)
            throw badArgument('verbalizer', `the word '${word.text}' of '${label}' has the same tokens as one of '${other}'`);
          meaning.set(ids.join(), label);
          return { ...word, ids };
        }),
      ),
    ),
  );
}

/** Throws unless each word has one token for each mask of the pattern. */
export function requireWhole(words: readonly (readonly PiecedWord[])[], { masks, source }: Pattern, tokenizer: Tokenizer): void {
  const wrong = words.flat().find(({ ids }) => ids.length !== masks);
  if (!wrong) return;
  const pieces = wrong.ids.map((id) => `'${tokenizer.tokenOf(id)}'`).join(', ');
  throw badArgument(
    'verbalizer',
    `the word '${wrong.text}' is ${wrong.ids.length} ${wrong.ids.length === 1 ? 'token' : 'tokens'} (${pieces}), but ${source} has ${masks} {mask}: ` +
      `take another word, write {mask} ${wrong.ids.length} times, or score without training by multiToken`,
  );
}

/** The words as tensors, all of as many tokens. */
export function labelWords(words: readonly (readonly PiecedWord[])[]): LabelWords {
  const most = Math.max(...words.map(({ length }) => length));
  const filled = words.map((list) => {
    const total = list.reduce((sum, { weight }) => sum + weight, 0);
    // A place without a word reads the first word's scores, and they count nothing.
    return Array.from({ length: most }, (_, w) => ({
      ids: [...(list[w] ?? list[0]!).ids],
      weight: (list[w]?.weight ?? 0) / total,
    }));
  });
  return {
    ids: tf.tensor3d(
      filled.map((list) => list.map(({ ids }) => ids)),
      undefined,
      'int32',
    ), // [L, W, k]
    weights: tf.tensor2d(filled.map((list) => list.map(({ weight }) => weight))), // [L, W]
  };
}

/** A word's tokens after `before`: a space, nothing (the start of a text), or a character that it is joined to. */
export async function idsAt(before: string, word: string, tokenizer: Tokenizer): Promise<number[]> {
  if (before === '' || before.trim() === '') return encoded(before === '' ? word : ` ${word}`, tokenizer);
  const whole = tokenizer.idOf(word);
  // The bytes of a byte-level vocabulary are letters too, so what the token says is asked.
  if (whole !== undefined && (await tokenizer.decode([whole])) === word) return [whole];
  const [first, ...rest] = await encoded(word, tokenizer);
  if (first === undefined) return [];
  const spaced = tokenizer.tokenOf(first) ?? '';
  const bare = spaced.startsWith('▁') ? tokenizer.idOf(spaced.slice(1)) : undefined;
  return [bare ?? first, ...rest];
}

async function encoded(text: string, tokenizer: Tokenizer): Promise<number[]> {
  const [tokens] = await tokenizer.encode([text], { maxLength: Number.MAX_SAFE_INTEGER });
  const ids = tokens!.ids.filter((_, t) => tokens!.sequences[t] === 0);
  const begins = ids.findIndex((id) => !/^[▁Ġ\s]*$/.test(tokenizer.tokenOf(id) ?? ''));
  return begins < 0 ? [] : ids.slice(begins);
}
