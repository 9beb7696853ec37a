import type { TextInput, Tokenizer, Tokens } from '../model/types';
import type { Row } from './rows';
import type { Example } from './types';

/** A row with its tokens, by view. */
export interface TokenisedRow extends Row {
  readonly tokens: Tokens;
  readonly views: Readonly<Record<string, Tokens>>;
}

/** Tokenises rows and their views in one call of the tokenizer. */
export async function tokenised(
  rows: readonly Row[],
  names: readonly string[],
  tokenizer: Tokenizer,
  maxLength: number,
): Promise<TokenisedRow[]> {
  if (rows.length === 0) return [];
  const texts = rows.flatMap(({ example }) => [textOf(example), ...names.map((name) => textOf(example.views![name]!))]);
  const tokens = await tokenizer.encode(texts, { maxLength });
  const width = 1 + names.length;
  return rows.map((row, i) => ({
    ...row,
    tokens: tokens[i * width]!,
    views: Object.fromEntries(names.map((name, v) => [name, tokens[i * width + 1 + v]!])),
  }));
}

/** What the tokenizer takes for an example: its text, or its pair. */
const textOf = ({ text, pair }: Pick<Example, 'text' | 'pair'>): TextInput => (pair === undefined ? text : [text, pair]);
