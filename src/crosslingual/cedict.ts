import type { Translation } from './dictionary';

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
  return senses
    .split(/[/;]/)
    .map((sense) =>
      sense
        .replace(/\([^)]*\)/g, '')
        .trim()
        .replace(/^(?:to|an?|the) /i, ''),
    )
    .filter((sense) => /^[\p{L}]+(?:['’-][\p{L}]+)*$/u.test(sense))
    .map((sense) => [sense, chinese]);
}
