/**
 * What the model is trained on: plain sentences, translations, and sentences held out.
 *
 *   npx tsx pretraining/corpus.ts [../shared]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { shuffled } from '../src/data/shuffled';
import { randomOf } from '../src/data/random';
import { corpusTable } from './support/corpusTable';
import { wordPairs } from './support/dictionary';
import { languages, writeRows, type Language, type Parallel, type Sentence } from './support/rows';
import { isGood, keyOf, looksLike, sentencesOf } from './support/sentences';
import { alignedParagraphs, measuredKeys, paragraphs, type Aligned } from './support/sources';

const data = path.join(process.argv[2] ?? '../shared', 'data');
const out = 'runs/pretraining';

/** Sentences held out, per language: wiki and Brown where there are any, and whole pages of a manual. */
const HELD_OUT: Readonly<Record<Language, Readonly<Record<string, number>>>> = {
  en: { 'wiki-paragraphs': 150, 'corpus-en': 75, 'libreoffice-help': 75 },
  de: { 'wiki-paragraphs': 225, 'libreoffice-help': 75 },
  es: { 'wiki-paragraphs': 225, 'libreoffice-help': 75 },
  fr: { 'libreoffice-help': 300 },
  zh: { 'wiki-paragraphs': 225, 'libreoffice-help': 75 },
};
/** Of the documents of those sources, one in so many is held out. */
const ONE_IN = 16;

const isHeldOut = (source: string, document: string): boolean =>
  Object.values(HELD_OUT).some((sources) => source in sources) && randomOf('held-out', source, document)() < 1 / ONE_IN;

function plainSentences(forbidden: ReadonlySet<string>): { kept: Sentence[]; heldOut: Sentence[] } {
  const seen = new Set<string>();
  const [kept, apart]: [Sentence[], Sentence[]] = [[], []];
  for (const { lang, text: paragraph, source, document } of paragraphs(data)) {
    const target = isHeldOut(source, document) ? apart : kept;
    for (const text of sentencesOf(paragraph, lang)) {
      const key = keyOf(text);
      if (!isGood(text, lang) || forbidden.has(key) || seen.has(key)) continue;
      seen.add(key);
      target.push({ lang, text, source });
    }
  }
  const heldOut = languages.flatMap((lang) =>
    Object.entries(HELD_OUT[lang]).flatMap(([source, count]) =>
      shuffled(
        apart.filter((row) => row.lang === lang && row.source === source),
        randomOf('held-out', lang, source),
      ).slice(0, count),
    ),
  );
  return { kept, heldOut };
}

/** A paragraph of several sentences is cut where every language has the same number of them. */
function cut({ texts, source }: Aligned): Parallel[] {
  const present = languages.filter((lang) => texts[lang] !== undefined);
  const parts = present.map((lang) => sentencesOf(texts[lang]!, lang));
  const count = parts.every(({ length }) => length === parts[0]!.length) ? parts[0]!.length : 1;
  return Array.from({ length: count }, (_, i) => {
    const part = (p: number) => (count === 1 ? parts[p]!.join(present[p] === 'zh' ? '' : ' ') : parts[p]![i]!);
    return { ...(Object.fromEntries(present.map((lang, p) => [lang, part(p)])) as { en: string }), source };
  });
}

function translations(forbidden: ReadonlySet<string>): Parallel[] {
  const rows = new Map<string, Parallel>();
  for (const aligned of alignedParagraphs(data)) {
    if (isHeldOut(aligned.source, aligned.document)) continue;
    for (const row of cut(aligned)) {
      const key = keyOf(row.en);
      if (row.en.length < 3 || row.en.length > 300 || key === '' || forbidden.has(key) || !looksLike(row.en, 'en')) continue;
      const good = languages.filter((lang) => {
        const text = row[lang];
        if (lang === 'en' || text === undefined) return false;
        const other = keyOf(text);
        return other !== key && other !== '' && text.length <= 400 && !forbidden.has(other) && looksLike(text, lang);
      });
      if (good.length === 0) continue;
      const texts = Object.fromEntries(good.map((lang) => [lang, row[lang]!]));
      rows.set(key, { en: row.en, ...texts, ...rows.get(key), source: row.source });
    }
  }
  return [...rows.values()];
}

mkdirSync(out, { recursive: true });
const measured = measuredKeys(data);
const { kept, heldOut } = plainSentences(measured);
const forbidden = new Set([...measured, ...heldOut.map(({ text }) => keyOf(text))]);
const plain = shuffled(kept, randomOf('plain'));
const pairs = translations(forbidden);
const words = wordPairs(data, kept).filter((row) =>
  languages.every((lang) => row[lang] === undefined || !forbidden.has(keyOf(row[lang]))),
);
const parallel = shuffled([...pairs, ...words], randomOf('parallel'));
writeRows(path.join(out, 'plain.jsonl'), plain);
writeRows(path.join(out, 'parallel.jsonl'), parallel);
writeRows(path.join(out, 'held-out.jsonl'), heldOut);
const table = corpusTable(plain, parallel, heldOut);
writeFileSync(path.join(out, 'corpus.json'), `${JSON.stringify(table, null, 2)}\n`);
console.table(table.plain);
console.table(table.parallel);
console.log('held out', table.heldOut);
