import type { Model } from '../core/types';

/** A text, or a pair of texts that the model reads together. */
export type TextInput = string | readonly [first: string, second: string];

/** One tokenised text. All arrays have one entry per token. */
export interface Tokens {
  readonly ids: readonly number[];
  /** 0 for the first text, 1 for the second (all 0 for models without token types). */
  readonly types: readonly number[];
  /** Start and end in UTF-16 units of the text that the token is from; special tokens have [0, 0]. */
  readonly offsets: readonly (readonly [start: number, end: number])[];
  /** Number of the word within its text; null for special tokens. Words are what the tokenizer's pre-tokenizer splits. */
  readonly words: readonly (number | null)[];
  /** Which text: 0, 1, or null for special tokens. */
  readonly sequences: readonly (0 | 1 | null)[];
}

/** What the SDK needs of a tokenizer, whichever library does the work. */
export interface Tokenizer {
  /** Number of ids, added tokens included. */
  readonly vocabularySize: number;
  readonly padId: number;
  /** Absent for vocabularies without a mask token. */
  readonly maskId?: number;
  readonly maskToken?: string;
  /** Special tokens that never are masked or replaced: [CLS], [SEP], [PAD] … */
  readonly specialIds: readonly number[];
  /** Text to ids with the model's special tokens, truncated to `maxLength` tokens (pairs: the longer text first). No padding. */
  encode(texts: readonly TextInput[], options: { readonly maxLength: number }): Promise<Tokens[]>;
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  decode(ids: readonly number[]): Promise<string>;
  dispose(): void;
}

/** A block of classes: one task's labels, side by side with the other heads' in the logits. */
export interface Head<Label extends string = string> {
  readonly name: string;
  readonly labels: readonly Label[];
  /** First column of the block in the logits. */
  readonly offset: number;
  /** Column of a label in the logits; undefined if the head does not have it. */
  columnOf(label: string): number | undefined;
}

/** A model with what turns strings into its tensors. */
export interface TextModel extends Model {
  readonly tokenizer: Tokenizer;
  /** Most tokens of one input. */
  readonly maxLength: number;
  readonly heads: readonly Head[];
  /** Columns of the logits: the labels of all heads. */
  readonly classCount: number;
  /** The head of that name. @throws HoldfastError `not-found` */
  head(name: string): Head;
}
