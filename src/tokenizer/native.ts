import type { Encoding, Tokenizer as Native } from 'tokenizers';
import type { TokenizerDescription } from './description';
import { trimmed, type Pieces, type TokenizerLibrary } from './library';

/** Not a literal where it is imported: bundlers for the browser would look for the native module. */
const PACKAGE = 'tokenizers';

/** Hugging Face's `tokenizers` (native, Node): all texts of a call in one batch, on its own threads. */
export async function importNative(): Promise<(description: TokenizerDescription) => TokenizerLibrary> {
  const { Tokenizer } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGE)) as typeof import('tokenizers');
  return ({ json }) => nativeLibrary(Tokenizer.fromString(json));
}

function nativeLibrary(tokenizer: Native): TokenizerLibrary {
  tokenizer.disablePadding();
  tokenizer.disableTruncation();
  return {
    async encode(texts) {
      const encodings = texts.length === 0 ? [] : await tokenizer.encodeBatch([...texts], { addSpecialTokens: false });
      return encodings.map((encoding, i) => piecesOf(encoding, texts[i]!));
    },
    idOf: (token) => tokenizer.tokenToId(token) ?? undefined,
    tokenOf: (id) => tokenizer.idToToken(id) ?? undefined,
    decode: (ids) => tokenizer.decode([...ids], false),
  };
}

function piecesOf(encoding: Encoding, text: string): Pieces {
  const unit = unitsOf(text);
  return {
    ids: encoding.getIds(),
    offsets: encoding.getOffsets().map(([start, end]) => trimmed(text, unit(start!), unit(end!))),
    words: encoding.getWordIds().map((word) => word ?? null),
  };
}

/** The library counts code points; strings here are indexed in UTF-16 units. */
function unitsOf(text: string): (point: number) => number {
  if (!/[\ud800-\udbff]/.test(text)) return (point) => point;
  const units = [0];
  for (const character of text) units.push(units.at(-1)! + character.length);
  return (point) => units[point]!;
}
