/**
 * Trains the tokenizer on the corpus: byte-pair encoding with the library's own trainer, cut to the size that the student can afford.
 *
 *   npx tsx pretraining/tokenizer.ts [--folder runs/pretraining] [--out packages/holdfast-small] [--size 18000]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  BPE,
  digitsPreTokenizer,
  lowercase,
  metaspacePreTokenizer,
  nfkcNormalizer,
  punctuationPreTokenizer,
  sequenceNormalizer,
  sequencePreTokenizer,
  Tokenizer,
} from 'tokenizers';
import { cutTo, specials, type Trained } from './support/cutTokenizer';
import { languages, readRows, type Sentence } from './support/rows';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/pretraining' },
    out: { type: 'string', default: 'packages/holdfast-small' },
    size: { type: 'string', default: '18000' },
  },
});
const { folder, out } = values;

/** Characters per language, so that none takes more than its share of the pieces. A Chinese one says about as much as three others. */
const share = (lang: string): number => (lang === 'zh' ? 1_500_000 : 4_000_000);

const rows = readRows<Sentence>(path.join(folder, 'plain.jsonl'));
const counts = new Map<string, number>();
const texts: string[] = [];
for (const lang of languages) {
  let left = share(lang);
  for (const { text } of rows.filter((row) => row.lang === lang)) {
    if ((left -= text.length) < 0) break;
    texts.push(text);
    for (const character of text.normalize('NFKC').toLowerCase()) counts.set(character, (counts.get(character) ?? 0) + 1);
  }
}
const file = path.join(folder, 'tokenizer-corpus.txt');
writeFileSync(file, texts.join('\n'));

const tokenizer = new Tokenizer(BPE.empty());
tokenizer.setNormalizer(sequenceNormalizer([nfkcNormalizer(), lowercase()]));
tokenizer.setPreTokenizer(sequencePreTokenizer([metaspacePreTokenizer(), punctuationPreTokenizer(), digitsPreTokenizer(true)]));
tokenizer.train([file]);
const whole = path.join(folder, 'tokenizer-whole.json');
tokenizer.save(whole);

// What is rarer than this is written in bytes.
const common = new Set([...counts].flatMap(([character, count]) => (count >= 5 ? [character] : [])));
const trained = JSON.parse(readFileSync(whole, 'utf8')) as Trained;
const json = cutTo(trained, Number(values.size), (character) => character === '▁' || common.has(character));
mkdirSync(out, { recursive: true });
writeFileSync(path.join(out, 'tokenizer.json'), `${JSON.stringify(json)}\n`);
writeFileSync(
  path.join(out, 'tokenizer_config.json'),
  `${JSON.stringify({ tokenizer_class: 'PreTrainedTokenizerFast', model_max_length: 128, ...specials }, null, 2)}\n`,
);
writeFileSync(path.join(out, 'special_tokens_map.json'), `${JSON.stringify(specials, null, 2)}\n`);
console.log(`${Object.keys(json.model.vocab).length} pieces, ${json.model.merges.length} merges, ${common.size} characters`);
