import type { Translation } from './dictionary';
import { isWord } from '../data/words';

/** Traditional, simplified, pronunciation in brackets, senses between slashes. */
const LINE = /^\S+ (\S+) \[.*?\]+ \/(.+)\/\s*$/;

/**
 * One line of CC-CEDICT, turned round: its senses of one English word, each with the simplified Chinese. A comment gives none; undefined
 * where the line is not of this format.
 */
export function cedictPairs(line: string): Translation[] | undefined {
  if (line.startsWith('#')) return [];
  const [, chinese, senses] = LINE.exec(line) ?? [];
  if (chinese === undefined || senses === undefined) return undefined;
  // Remarks first: what separates senses also stands inside them.
  return withoutRemarks(senses)
    .split(/[/;]/)
    .map((sense) => sense.trim().replace(/^(?:to|an?|the) /i, ''))
    .filter(isWord)
    .map((sense) => [sense, chinese]);
}

/** Without what stands in parentheses, the inner ones first. */
function withoutRemarks(text: string): string {
  const less = text.replace(/\([^()]*\)/g, '');
  return less === text ? text : withoutRemarks(less);
}
