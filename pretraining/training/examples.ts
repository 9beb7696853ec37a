import path from 'node:path';
import type { Example, Tokenizer } from '../../src';
import { languages, readRows, type Parallel, type Sentence } from '../support/rows';
import { packed } from './packed';

const translated = languages.filter((lang) => lang !== 'en');

export interface ExampleOptions {
  readonly tokenizer: Tokenizer;
  readonly length: number;
  readonly seed: number;
}

/** For masked language modelling: packed sentences, and each English text beside each of its translations. */
export async function maskedExamples(folder: string, { tokenizer, length, seed }: ExampleOptions): Promise<Example[]> {
  const plain = readRows<Sentence>(path.join(folder, 'plain.jsonl'));
  const pairs = readRows<Parallel>(path.join(folder, 'parallel.jsonl'))
    // Two words side by side are no context to guess from.
    .filter(({ source }) => source !== 'dictionary')
    .flatMap((row) => translationsOf(row).map((pair): Example => ({ text: row.en, pair })));
  const rows = await packed(plain, tokenizer, length, seed);
  return [...rows.map(({ text }): Example => ({ text })), ...pairs];
}

/**
 * For distillation: each sentence that has a vector, and each translation of one; `id` is the row of the vector.
 *
 * @returns them, and the languages of the sentences that have vectors
 */
export function taughtExamples(folder: string): { readonly examples: Example[]; readonly languages: string[] } {
  const sentences = readRows<{ readonly text: string; readonly lang: string }>(path.join(folder, 'sentences.jsonl'));
  const english = new Map(sentences.flatMap(({ text, lang }, i) => (lang === 'en' ? [[text, i] as const] : [])));
  const translations = readRows<Parallel>(path.join(folder, 'parallel.jsonl')).flatMap((row) => {
    const id = english.get(row.en);
    return id === undefined ? [] : translationsOf(row).map((text): Example => ({ text, id: String(id) }));
  });
  const own = sentences.map(({ text }, i): Example => ({ text, id: String(i) }));
  return { examples: [...own, ...translations], languages: sentences.map(({ lang }) => lang) };
}

const translationsOf = (row: Parallel): string[] => translated.flatMap((lang) => row[lang] ?? []);
