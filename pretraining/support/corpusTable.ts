import { languages, type Language, type Parallel, type Sentence } from './rows';

interface PlainCount {
  readonly lang: Language;
  readonly source: string;
  sentences: number;
  characters: number;
  /** Filled in when there is a tokenizer. */
  tokens?: number;
}

export interface CorpusTable {
  plain: PlainCount[];
  /** Sums per language; filled in when there is a tokenizer. */
  languages?: {
    lang: Language;
    sentences: number;
    characters: number;
    tokens: number;
    heldOutCharactersPerToken: number;
  }[];
  /** Rows per source, and how many of them have each language. */
  parallel: ({ source: string; rows: number } & Partial<Record<Language, number>>)[];
  heldOut: Partial<Record<Language, number>>;
}

/** Counts per language and source, for the model card. */
export function corpusTable(
  plain: readonly Sentence[],
  parallel: readonly Parallel[],
  heldOut: readonly Sentence[],
): CorpusTable {
  const counts = new Map<string, PlainCount>();
  for (const { lang, source, text } of plain) {
    const key = `${languages.indexOf(lang)} ${source}`;
    const count = counts.get(key) ?? { lang, source, sentences: 0, characters: 0 };
    counts.set(key, count);
    count.sentences++;
    count.characters += text.length;
  }
  const rows = new Map<string, CorpusTable['parallel'][number]>();
  for (const row of parallel) {
    const count = rows.get(row.source) ?? { source: row.source, rows: 0 };
    rows.set(row.source, count);
    count.rows++;
    for (const lang of languages) if (row[lang] !== undefined) count[lang] = (count[lang] ?? 0) + 1;
  }
  return {
    plain: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count),
    parallel: [...rows.values()],
    heldOut: Object.fromEntries(languages.map((lang) => [lang, heldOut.filter((row) => row.lang === lang).length])),
  };
}
