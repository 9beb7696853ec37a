import type { Translation } from './dictionary';
import { isWord } from '../data/words';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * One line of a dictd index and the entry that it points to: the headword with every translation of one word. Notes about the dictionary
 * itself give none; undefined where the line is not of this format or points past the end.
 *
 * In an entry (as FreeDict writes them) the first line is the headword, grammar and notes stand in brackets, and the translations are
 * separated by commas or semicolons. Examples, in quotes, are left out.
 */
export function dictdPairs(line: string, entries: Uint8Array): Translation[] | undefined {
  const [word = '', offset, length] = line.split('\t');
  if (word.startsWith('00database') || word.startsWith('00-database')) return [];
  const [start, size] = [numberOf(offset), numberOf(length)];
  if (word === '' || start === undefined || size === undefined || start + size > entries.length) return undefined;
  const [, ...lines] = new TextDecoder().decode(entries.subarray(start, start + size)).split('\n');
  return lines
    .filter((text) => !/["“]/.test(text))
    .flatMap((text) =>
      text
        .replace(/<[^>]*>|\([^)]*\)|\[[^\]]*\]|\/[^/]*\/|\{[^}]*\}/g, ' ')
        .replace(/^\s*\d+[.)]/, '')
        .split(/[,;]/),
    )
    .map((translation) => translation.trim())
    .filter(isWord)
    .map((translation) => [word, translation]);
}

/** A number in base 64, the highest digit first. */
function numberOf(digits: string | undefined): number | undefined {
  if (!digits) return undefined;
  const values = [...digits].map((digit) => DIGITS.indexOf(digit));
  return values.includes(-1) ? undefined : values.reduce((sum, value) => sum * 64 + value, 0);
}
