import { literal } from './literal';

/** A token that is looked for in the text before all else, such as [MASK]. As in tokenizer.json. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special?: boolean;
  readonly single_word?: boolean;
  readonly lstrip?: boolean;
  readonly rstrip?: boolean;
}

/** A part of a text: an added token, or what stands between. */
export interface Section {
  readonly start: number;
  readonly end: number;
  /** Id of the added token. */
  readonly added?: number;
}

/** Cuts a text at its added tokens; where several fit, the longest is taken. */
export function splitterOf(added: readonly AddedToken[]): (text: string) => Section[] {
  const byContent = new Map(added.filter(({ content }) => content !== '').map((token) => [token.content, token]));
  const escaped = [...byContent.keys()].sort((a, b) => b.length - a.length).map(literal);
  if (escaped.length === 0) return (text) => (text === '' ? [] : [{ start: 0, end: text.length }]);
  const pattern = new RegExp(escaped.join('|'), 'gu');
  return (text) => {
    const sections: Section[] = [];
    let at = 0;
    for (const { 0: content, index } of text.matchAll(pattern)) {
      const token = byContent.get(content)!;
      let [start, end] = [index, index + content.length];
      if (token.single_word && (isWord(text[start - 1]) || isWord(text[end]))) continue;
      if (token.lstrip) while (start > at && /\s/.test(text[start - 1]!)) start--;
      if (token.rstrip) while (end < text.length && /\s/.test(text[end]!)) end++;
      if (start > at) sections.push({ start: at, end: start });
      sections.push({ start, end, added: token.id });
      at = end;
    }
    if (at < text.length) sections.push({ start: at, end: text.length });
    return sections;
  };
}

const isWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}_]/u.test(character);
