import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { languages, readRows, type Language } from './rows';
import { keyOf } from './sentences';

/** A paragraph, and the document that it is held out with. */
export interface Paragraph {
  readonly lang: Language;
  readonly text: string;
  readonly source: string;
  readonly document: string;
}

/** The same paragraph in English and other languages. */
export interface Aligned {
  readonly texts: { readonly en: string } & Partial<Record<Language, string>>;
  readonly source: string;
  readonly document: string;
}

type Texts = Partial<Record<Language, string>> & { readonly id: string; readonly en: string };

/** All paragraphs in one language. */
export function paragraphs(data: string): Paragraph[] {
  const at = (...parts: string[]) => path.join(data, ...parts);
  const plain = (file: string, lang: Language, sourceOf: (row: { source?: string }) => string): Paragraph[] =>
    readRows<{ text: string; source?: string }>(file).map((row) => ({
      lang,
      text: row.text,
      source: sourceOf(row),
      document: keyOf(row.text),
    }));
  const nli = readRows<{ premise: string; hypothesis: string }>(at('nli-9k', 'train.jsonl.gz'))
    .flatMap(({ premise, hypothesis }) => [premise, hypothesis])
    .map((text): Paragraph => ({ lang: 'en', text, source: 'nli-9k', document: keyOf(text) }));
  return [
    ...nli,
    ...(['en', 'de', 'es', 'zh'] as const).flatMap((lang) =>
      plain(at('wiki-paragraphs', `${lang}.jsonl.gz`), lang, () => 'wiki-paragraphs'),
    ),
    ...plain(at('corpus-en', 'train.jsonl.gz'), 'en', () => 'corpus-en'),
    ...languages.flatMap((lang) =>
      plain(at('docs-multilingual', `${lang}.jsonl.gz`), lang, ({ source }) => source ?? 'docs-multilingual'),
    ),
    ...libreOffice(data).flatMap(({ texts, source, document }) =>
      languages.map((lang): Paragraph => ({ lang, text: texts[lang]!, source, document })),
    ),
  ];
}

const libreOffice = (data: string): Aligned[] =>
  readRows<Texts>(path.join(data, 'libreoffice-help', 'all.jsonl.gz')).map(({ id, ...texts }) => ({
    texts,
    source: 'libreoffice-help',
    document: id.split('#')[0]!,
  }));

/** All paragraphs in several languages; those of the manuals are merged by their English text. */
export function alignedParagraphs(data: string): Aligned[] {
  const manuals = new Map<string, Aligned>();
  for (const name of ['parallel', 'en-de', 'en-es', 'en-fr', 'en-zh'])
    for (const { id, ...texts } of readRows<Texts>(path.join(data, 'docs-multilingual', `${name}.jsonl.gz`))) {
      const before = manuals.get(texts.en);
      manuals.set(texts.en, {
        source: id.split('/')[0]!,
        document: id.split('#')[0]!,
        texts: { ...texts, ...before?.texts },
      });
    }
  return [...libreOffice(data), ...manuals.values()];
}

/** Where the sets lie that models are measured on: none of their sentences is trained on. */
const measuredOn = ['sib200', 'stsb', 'clinc150', 'sst2-kshot', 'trec-kshot', 'snli-kshot', 'rte-kshot', 'ocnli', 'eprstmt'];

/** The keys of every text of the sets that are measured on, training parts too. */
export function measuredKeys(data: string): ReadonlySet<string> {
  const files = measuredOn
    .map((set) => path.join(data, set))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.jsonl(\.gz)?$/.test(name))
        .map((name) => path.join(folder, name)),
    );
  const fields = ['text', 'sentence1', 'sentence2', 'premise', 'hypothesis'];
  const keys = new Set<string>();
  for (const file of [...files, path.join(data, 'nli-9k', 'dev.jsonl')])
    for (const row of readRows<Record<string, unknown>>(file))
      for (const field of fields) if (typeof row[field] === 'string') keys.add(keyOf(row[field]));
  keys.delete('');
  return keys;
}
