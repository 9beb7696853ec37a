import { badArgument } from '../core/errors';
import { keyOf, wordsIn } from '../data/words';

/** A word and one of its translations. */
export type Translation = readonly [word: string, translation: string];

/** How much of some texts a dictionary knows, counted by running words. */
export interface Coverage {
  readonly words: number;
  /** Words that at least one language translates. */
  readonly known: number;
  /** Share of the words that each language translates; NaN of nothing. */
  readonly shares: Readonly<Record<string, number>>;
  /** Words that no language translates, the most frequent first. */
  readonly missing: readonly string[];
}

/** Words of one language and their translations into others. */
export interface Dictionary {
  readonly languages: readonly string[];
  /** Pairs of word and translation, by language. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Under which terms the pairs may be used and passed on, as far as was said. */
  readonly licences: readonly string[];
  /** In the order in which they were given; none where the word is not known. Upper and lower case find the same. */
  translations(word: string, language: string): readonly string[];
  coverage(texts: Iterable<string>): Coverage;
}

/**
 * A dictionary from pairs in memory: each word has any number of translations in each language.
 *
 * **Cost** all pairs in memory: about 100 bytes each. **Limits** words are found as they are written, without their inflections.
 * **See also** `loadDictionary` (from files), `codeSwitch`.
 *
 * @param pairs by language: BCP 47 tag or the user's own name @param licences of the pairs
 * @throws HoldfastError `bad-argument` for a language without pairs, and for an empty word or translation
 * @example
 * const small = dictionary({ de: [['invoice', 'Rechnung'], ['money', 'Geld']], zh: [['money', '钱']] });
 * console.log(small.coverage(train.map(({ text }) => text)).shares);
 */
export function dictionary(pairs: Readonly<Record<string, Iterable<Translation>>>, licences: readonly string[] = []): Dictionary {
  const tables = new Map(Object.entries(pairs).map(([language, some]) => [language, tableOf(language, some)]));
  if (tables.size === 0) throw badArgument('dictionary', "no language: give pairs, as in { de: [['house', 'Haus']] }");
  const languages = [...tables.keys()];
  const translations = (word: string, language: string) => tables.get(language)?.get(keyOf(word)) ?? [];
  return {
    languages,
    licences: [...new Set(licences)],
    sizes: Object.fromEntries([...tables].map(([language, table]) => [language, pairCount(table)])),
    translations,
    coverage(texts) {
      const counts = new Map<string, number>();
      for (const text of texts)
        for (const { text: word } of wordsIn(text)) counts.set(keyOf(word), (counts.get(keyOf(word)) ?? 0) + 1);
      const total = (of: readonly (readonly [string, number])[]) => of.reduce((sum, [, count]) => sum + count, 0);
      const all = [...counts];
      const missing = all.filter(([word]) => languages.every((language) => translations(word, language).length === 0));
      const share = (language: string) => total(all.filter(([word]) => translations(word, language).length > 0)) / total(all);
      return {
        words: total(all),
        known: total(all) - total(missing),
        shares: Object.fromEntries(languages.map((language) => [language, share(language)])),
        missing: missing.sort(([, a], [, b]) => b - a).map(([word]) => word),
      };
    },
  };
}

function tableOf(language: string, pairs: Iterable<Translation>): ReadonlyMap<string, readonly string[]> {
  const table = new Map<string, string[]>();
  for (const [word, translation] of pairs) {
    if (word.trim() === '' || translation.trim() === '')
      throw badArgument('dictionary', `'${language}' has an empty word or translation: ['${word}', '${translation}']`);
    const known = table.get(keyOf(word));
    if (!known) table.set(keyOf(word), [translation]);
    else if (!known.includes(translation)) known.push(translation);
  }
  if (table.size === 0) throw badArgument('dictionary', `'${language}' has no pairs: leave it out`);
  return table;
}

const pairCount = (table: ReadonlyMap<string, readonly string[]>): number =>
  [...table.values()].reduce((sum, some) => sum + some.length, 0);
