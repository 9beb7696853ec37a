import type { Aligned } from './aligned';
import type { PieceShape } from './pieces';

/** Where the characters of a pre-tokenizer's pieces stand in the original text. */
export interface Places {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/**
 * Finds each piece in the normalised text, in order. Pieces leave white space out, or write it as `space` (▁), or put one before the
 * first word that the text does not have: that one stands where the word's first character does. Byte-level pieces have one
 * character per UTF-8 byte.
 */
export function placesOf(
  pieces: readonly string[],
  { text, from, to }: Aligned,
  { space, bytes, dropsSpace }: PieceShape,
): Places[] {
  let cursor = 0;
  return pieces.map((piece) => {
    const places = { from: [] as number[], to: [] as number[] };
    const put = (at: number, times: number) => {
      for (let i = 0; i < times; i++) {
        places.from.push(from[at] ?? to.at(-1) ?? 0);
        places.to.push(to[at] ?? to.at(-1) ?? 0);
      }
    };
    for (const character of bytes ? decoded(piece) : piece) {
      const blank = character === space || character === ' ';
      const wanted = blank ? ' ' : character;
      const width = bytes ? utf8Length(character) : character.length;
      if (blank && (dropsSpace || (text[cursor] !== ' ' && text[cursor] !== space))) {
        while (dropsSpace && /\s/.test(text[cursor] ?? '')) cursor++;
        put(cursor, width);
        continue;
      }
      const found = blank ? cursor : text.indexOf(wanted, cursor);
      put(found < 0 ? cursor : found, width);
      if (found >= 0) cursor = found + character.length;
    }
    return places;
  });
}

export const utf8Length = (character: string): number => {
  const point = character.codePointAt(0)!;
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
};

/** GPT-2's alphabet for bytes: printable ones as they are, the others from U+0100 on. */
const byteOf: ReadonlyMap<string, number> = new Map(
  (() => {
    const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    let next = 256;
    return Array.from({ length: 256 }, (_, byte): [string, number] => [
      String.fromCharCode(printable(byte) ? byte : next++),
      byte,
    ]);
  })(),
);

// A byte order mark is a character as the others here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const decoded = (piece: string): string => decoder.decode(Uint8Array.from(piece, (character) => byteOf.get(character) ?? 0x20));
