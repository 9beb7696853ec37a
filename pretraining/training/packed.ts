import { shuffled, type Tokenizer } from '../../src';
import { groupedBy } from '../../src/data/groupedBy';
import { randomOf } from '../../src/data/random';

interface Text {
  readonly lang: string;
  readonly text: string;
}

/** How many texts a language's characters per token are measured on. */
const SAMPLE = 500;

/**
 * Sentences of one language joined, in random order, to rows of about `length` tokens: a batch of them has little padding.
 * Lengths are taken from the characters, since tokenising everything twice would cost minutes; what is too long is cut later.
 */
export async function packed(texts: readonly Text[], tokenizer: Tokenizer, length: number, seed: number): Promise<Text[]> {
  const rows: Text[] = [];
  for (const [lang, some] of groupedBy(texts, (row) => row.lang)) {
    const order = shuffled(some, randomOf(seed, 'packed', lang));
    const budget = length * (await charactersPerToken(order.slice(0, SAMPLE), tokenizer));
    let row = '';
    for (const { text } of order) {
      if (row !== '' && row.length + text.length > budget) {
        rows.push({ lang, text: row });
        row = '';
      }
      row = row === '' ? text : `${row} ${text}`;
    }
    if (row !== '') rows.push({ lang, text: row });
  }
  return rows;
}

async function charactersPerToken(sample: readonly Text[], tokenizer: Tokenizer): Promise<number> {
  const texts = sample.map(({ text }) => text);
  const tokens = await tokenizer.encode(texts, { maxLength: 10_000 });
  const count = tokens.reduce((sum, { ids }) => sum + ids.length, 0);
  return texts.reduce((sum, text) => sum + text.length, 0) / Math.max(1, count);
}
