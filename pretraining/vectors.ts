/**
 * What the two teachers say of the sentences: one unit vector per text. Goes on where it was stopped.
 *
 *   npx tsx pretraining/vectors.ts [--folder runs/pretraining] [--shared ../shared] [--english 50000] [--others 11000]
 */
import { appendFileSync, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel, useEngine } from '../src';
import { vectorsOf } from './evaluation/vectors';
import { readRows, writeRows, type Parallel, type Sentence } from './support/rows';
import { WIDTH } from './training/teachers';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/pretraining' },
    shared: { type: 'string', default: '../shared' },
    english: { type: 'string', default: '50000' },
    others: { type: 'string', default: '11000' },
  },
});
const { folder } = values;
const list = path.join(folder, 'sentences.jsonl');

/** English first by what it serves (a translation, then short plain sentences), and some of each other language. */
function chosen(): { text: string; lang: string }[] {
  const parallel = readRows<Parallel>(path.join(folder, 'parallel.jsonl'));
  const plain = readRows<Sentence>(path.join(folder, 'plain.jsonl'));
  const english = new Set<string>();
  const take = (texts: readonly string[], most: number): void => {
    for (const text of texts) if (english.size < most) english.add(text);
  };
  const sentencePairs = parallel.filter(({ source }) => source !== 'dictionary');
  const most = Number(values.english);
  take(sentencePairs.map(({ en }) => en), most / 2); // prettier-ignore
  const sources = ['nli-9k', 'wiki-paragraphs', 'corpus-en'];
  for (const [i, source] of sources.entries())
    take(
      plain.flatMap((row) => (row.lang === 'en' && row.source.startsWith(source) && row.text.length <= 200 ? [row.text] : [])),
      most / 2 + ((i + 1) * most) / (2 * sources.length),
    );
  // Single words are short: they cost little and anchor the vocabulary.
  take(parallel.flatMap(({ en, source }) => (source === 'dictionary' ? [en] : [])), Infinity); // prettier-ignore
  const others = ['de', 'es', 'fr', 'zh'].flatMap((lang) =>
    plain
      .filter((row) => row.lang === lang && row.text.length <= 200 && row.source !== 'libreoffice-help')
      // Encyclopedic text first: it has the most topics, and manuals come with translations anyway.
      .sort((a, b) => Number(b.source === 'wiki-paragraphs') - Number(a.source === 'wiki-paragraphs'))
      .slice(0, Number(values.others)),
  );
  return [...[...english].map((text) => ({ text, lang: 'en' })), ...others.map(({ text, lang }) => ({ text, lang }))];
}

if (!existsSync(list)) writeRows(list, chosen());
const sentences = readRows<{ text: string; lang: string }>(list);
await useEngine();

const BLOCK = 2048;
async function teach(name: 'e5' | 'minilm', model: string, textOf: (row: { text: string; lang: string }) => string | undefined) {
  const file = path.join(folder, `${name}.f32`);
  if (!existsSync(file)) writeFileSync(file, '');
  const began = performance.now();
  let done = Math.floor(statSync(file).size / (WIDTH * 4));
  // A process that was stopped may have left a vector's beginning.
  truncateSync(file, done * WIDTH * 4);
  const first = done;
  if (done >= sentences.length) return;
  await using teacher = await loadModel(path.join(values.shared, 'models', model), { pooling: 'mean' });
  for (; done < sentences.length; done += BLOCK) {
    const block = sentences.slice(done, done + BLOCK);
    const known = block.flatMap((row, i) => (textOf(row) === undefined ? [] : [i]));
    const vectors = await vectorsOf(teacher, known.map((i) => textOf(block[i]!)!)); // prettier-ignore
    const values = new Float32Array(block.length * WIDTH);
    known.forEach((i, at) => values.set(vectors[at]!, i * WIDTH));
    appendFileSync(file, new Uint8Array(values.buffer));
    const rate = ((done + block.length - first) * 1000) / (performance.now() - began);
    console.log(`${name} ${done + block.length} of ${sentences.length}, ${rate.toFixed(0)} a second`);
  }
}

await teach('minilm', 'minilm-en', ({ text, lang }) => (lang === 'en' ? text : undefined));
await teach('e5', 'e5-multilingual', ({ text }) => `query: ${text}`);
