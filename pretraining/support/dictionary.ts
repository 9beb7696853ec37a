import path from 'node:path';
import { readLines, type Parallel, type Sentence } from './rows';

const MOST_FREQUENT = 15_000;
const TRANSLATIONS = 2;

/**
 * Pairs of words for the most frequent words of the English sentences. Dictionaries do not say which translation is the usual one, so the
 * two that are most frequent in the plain text of the other language are taken, and none that does not occur there.
 */
export function wordPairs(data: string, sentences: readonly Sentence[]): Parallel[] {
  const counts = { en: new Map<string, number>(), de: new Map<string, number>(), zh: new Map<string, number>() };
  const chinese = new Intl.Segmenter('zh', { granularity: 'word' });
  for (const { lang, text } of sentences) {
    if (lang !== 'en' && lang !== 'de' && lang !== 'zh') continue;
    const words =
      lang === 'zh' ? Array.from(chinese.segment(text), ({ segment }) => segment) : (text.toLowerCase().match(/\p{L}+/gu) ?? []);
    for (const word of words) counts[lang].set(word, (counts[lang].get(word) ?? 0) + 1);
  }
  const frequent = [...counts.en]
    .filter(([word, count]) => word.length > 1 && count > 1)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, MOST_FREQUENT)
    .map(([word]) => word);

  const best = (file: string, lang: 'de' | 'zh'): Map<string, string[]> => {
    const all = new Map<string, Set<string>>();
    for (const line of readLines(path.join(data, 'dictionaries', file))) {
      const [english, translation] = line.split('\t') as [string, string];
      const word = english.toLowerCase();
      all.set(word, (all.get(word) ?? new Set()).add(translation));
    }
    const countOf = (word: string) => counts[lang].get(word.toLowerCase()) ?? 0;
    return new Map(
      [...all].map(([word, translations]) => [
        word,
        [...translations]
          .filter((one) => countOf(one) > 0)
          .sort((a, b) => countOf(b) - countOf(a))
          .slice(0, TRANSLATIONS),
      ]),
    );
  };
  const german = best('ding-en-de.tsv.gz', 'de');
  const simplified = best('cedict-en-zh.tsv', 'zh');
  return frequent.flatMap((en) =>
    Array.from({ length: TRANSLATIONS }, (_, i): Parallel | undefined => {
      const [de, zh] = [german.get(en)?.[i], simplified.get(en)?.[i]];
      return de || zh ? { en, ...(de && { de }), ...(zh && { zh }), source: 'dictionary' } : undefined;
    }).filter((row) => row !== undefined),
  );
}
