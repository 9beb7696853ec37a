/**
 * Adds the number of tokens to the table of the corpus, which the model card quotes.
 *
 *   npx tsx pretraining/counts.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { loadTokenizer } from '../src';
import { openFolder } from '../src/model/folder';
import type { CorpusTable } from './support/corpusTable';
import { languages, readRows, type Sentence } from './support/rows';

const out = 'runs/pretraining';
const BLOCK = 4096;
const tokenizer = await loadTokenizer(await openFolder('packages/holdfast-small'));

/** Without the special tokens. */
async function tokensIn(texts: readonly string[]): Promise<number> {
  let sum = 0;
  for (let at = 0; at < texts.length; at += BLOCK)
    for (const { ids } of await tokenizer.encode(texts.slice(at, at + BLOCK), { maxLength: 100_000 })) sum += ids.length - 2;
  return sum;
}

const file = path.join(out, 'corpus.json');
const table = JSON.parse(readFileSync(file, 'utf8')) as CorpusTable;
const plain = readRows<Sentence>(path.join(out, 'plain.jsonl'));
const heldOut = readRows<Sentence>(path.join(out, 'held-out.jsonl'));
for (const count of table.plain) {
  const rows = plain.filter(({ lang, source }) => lang === count.lang && source === count.source);
  count.tokens = await tokensIn(rows.map(({ text }) => text));
}
table.languages = await Promise.all(
  languages.map(async (lang) => {
    const own = table.plain.filter((count) => count.lang === lang);
    const sum = (field: 'sentences' | 'characters' | 'tokens') => own.reduce((total, count) => total + (count[field] ?? 0), 0);
    const apart = heldOut.filter((row) => row.lang === lang).map(({ text }) => text);
    return {
      lang,
      sentences: sum('sentences'),
      characters: sum('characters'),
      tokens: sum('tokens'),
      heldOutCharactersPerToken: Number((apart.join('').length / (await tokensIn(apart))).toFixed(2)),
    };
  }),
);
writeFileSync(file, `${JSON.stringify(table, null, 2)}\n`);
console.table(table.plain);
console.table(table.languages);
