/** One text as a library tokenises it: without special tokens, not cut. One entry per token. */
export interface Pieces {
  readonly ids: readonly number[];
  /** UTF-16 units of the text, without the white space around. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
  readonly words: readonly (number | null)[];
}

/** What the tokenizer needs of `tokenizers` or `@xenova/transformers`. Special tokens, truncation and pairs are ours, so they cannot differ. */
export interface TokenizerLibrary {
  encode(texts: readonly string[]): Promise<Pieces[]>;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  decode(ids: readonly number[]): Promise<string>;
}

/** Moves both ends inwards past white space: some tokenizers count the space before a word, others do not. */
export function trimmed(text: string, start: number, end: number): [number, number] {
  let [first, last] = [start, end];
  while (first < last && isSpace(text.charCodeAt(first))) first++;
  while (last > first && isSpace(text.charCodeAt(last - 1))) last--;
  return [first, last];
}

const isSpace = (code: number): boolean =>
  code === 32 || (code >= 9 && code <= 13) || (code >= 128 && /\s/.test(String.fromCharCode(code)));
