import { badArgument } from '../core/errors';
import type { Template } from './template';
import type { Pieces } from './library';
import type { Tokens } from '../model/types';

/** Cuts one text or a pair to `maxLength` tokens and puts the special tokens around, which are never cut. */
export function assembled(template: Template, texts: readonly [Pieces] | readonly [Pieces, Pieces], maxLength: number): Tokens {
  const parts = texts.length === 1 ? template.single : template.pair;
  const special = parts.filter((part) => 'special' in part).length;
  if (!Number.isSafeInteger(maxLength) || maxLength < special) {
    throw badArgument('encode', `maxLength must be a whole number of at least ${special}, the special tokens; got ${maxLength}`);
  }
  const room = maxLength - special;
  const lengths = lengthsWithin(room, texts[0].ids.length, texts[1]?.ids.length ?? 0);
  const tokens = {
    ids: [] as number[],
    types: [] as number[],
    offsets: [] as (readonly [number, number])[],
    words: [] as (number | null)[],
    sequences: [] as (0 | 1 | null)[],
  };
  for (const part of parts) {
    if ('special' in part) {
      tokens.ids.push(part.special);
      tokens.types.push(part.type);
      tokens.offsets.push([0, 0]);
      tokens.words.push(null);
      tokens.sequences.push(null);
      continue;
    }
    const { ids, offsets, words } = texts[part.text]!;
    for (let t = 0; t < lengths[part.text]; t++) {
      tokens.ids.push(ids[t]!);
      tokens.types.push(part.type);
      tokens.offsets.push(offsets[t]!);
      tokens.words.push(words[t]!);
      tokens.sequences.push(part.text);
    }
  }
  return tokens;
}

/** Takes tokens from the longer text until both fit; if both are too long they share the room, the longer one gets the odd token. As in `tokenizers`. */
export function lengthsWithin(room: number, first: number, second: number): [number, number] {
  if (first + second <= room) return [first, second];
  const shorter = Math.min(first, second, Math.floor(room / 2));
  return first > second ? [room - shorter, shorter] : [shorter, room - shorter];
}
