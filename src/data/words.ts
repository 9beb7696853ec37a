/** A word and where it begins. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

/** What must stay as it is: tags and special tokens, placeholders, addresses, everything with a digit. */
const ALWAYS: readonly RegExp[] = [
  /<[^<>\s][^<>]*>|\[[A-Z]+\]/g,
  /\$?\{[^{}]*\}|%\(\w+\)[a-z]|%[sdif@]/g,
  /(?:https?:\/\/|www\.)\S+/gi,
  /[^\s@]+@[^\s@]+\.[^\s@]+/g,
  /\S*\p{N}\S*/gu,
];

/** Letters, with apostrophes and hyphens only between them. */
const LETTERS = String.raw`[\p{L}\p{M}]+(?:['’-][\p{L}\p{M}]+)*`;
const WORD = new RegExp(LETTERS, 'gu');
const ONE_WORD = new RegExp(`^${LETTERS}$`, 'u');

/** The words of a text, in order, without those that touch something protected. */
export function wordsIn(text: string, protect: readonly RegExp[] = []): Word[] {
  const kept = [...ALWAYS, ...protect].flatMap((pattern) =>
    [...text.matchAll(everywhere(pattern))].map(({ index, 0: { length } }) => [index, index + length] as const),
  );
  return [...text.matchAll(WORD)]
    .map(({ 0: word, index }): Word => ({ text: word, at: index }))
    .filter(({ text: word, at }) => !kept.some(([start, end]) => at < end && start < at + word.length));
}

/** True where the text is one word and nothing else. */
export const isWord = (text: string): boolean => ONE_WORD.test(text);

/** Scripts that put no space between words. */
const UNSPACED = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]`;
const ENDS = new RegExp(`${UNSPACED}\\p{M}*$`, 'u');
const STARTS = new RegExp(`^${UNSPACED}`, 'u');

/** True where no space stands between the text and a word that follows it, in its script. */
export const endsUnspaced = (text: string): boolean => ENDS.test(text);

/** True where no space stands between the text and a word before it, in its script. */
export const startsUnspaced = (text: string): boolean => STARTS.test(text);

/** How a word is looked up. */
export const keyOf = (word: string): string => word.normalize('NFC').toLowerCase().replaceAll('’', "'");

/** The translation in the case pattern of the word; scripts without case stay as they are, and so does what the word's case does not tell. */
export function inCaseOf(word: string, translation: string): string {
  const [first = '', second] = [...word];
  if (first === first.toLowerCase()) return translation;
  if (second !== undefined && word === word.toUpperCase()) return translation.toUpperCase();
  const [initial = '', ...rest] = [...translation];
  return initial.toUpperCase() + rest.join('');
}

const everywhere = (pattern: RegExp): RegExp =>
  pattern.global ? pattern : new RegExp(pattern.source, `${pattern.flags.replace('y', '')}g`);
