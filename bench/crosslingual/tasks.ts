import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJsonl, type Example } from '../../src';
import { readAll } from '../../src/data/source';
import type { ReadOptions } from '../../src/data/fields';

const data = path.relative('', fileURLToPath(new URL('../../../shared/data', import.meta.url)));
export const dictionaryFiles = ['de', 'es', 'fr', 'zh'].map((language) =>
  path.join(data, `dictionaries/muse-en-${language}.tsv`),
);

/** The language with labels first, then those that the dictionaries know, then others. */
export const languages = ['eng', 'deu', 'spa', 'fra', 'zho_Hans', 'swh', 'hin', 'tur'] as const;
export type Language = (typeof languages)[number];
/** What is called the mean: those with a dictionary. */
export const withDictionary: readonly Language[] = ['deu', 'spa', 'fra', 'zho_Hans'];

/** English rows to learn from, and tests in English and other languages. */
export interface CrosslingualTask {
  readonly name: string;
  readonly train: string;
  readonly tests: Readonly<Partial<Record<Language, string>>>;
  readonly fields?: ReadOptions;
}

const sib200 = (language: Language, part: string) => path.join(data, 'sib200', language, `${part}.jsonl`);

export const tasks = {
  /** One sentence; the tests are translations of each other, row by row. */
  topics: {
    name: 'sib200',
    train: sib200('eng', 'train'),
    tests: Object.fromEntries(languages.map((language) => [language, sib200(language, 'test')])),
  },
  /** Pairs of sentences. The Chinese ones are not translations of the English ones. */
  inference: {
    name: 'nli',
    train: path.join(data, 'nli-9k/train.jsonl.gz'),
    tests: { eng: path.join(data, 'nli-9k/dev.jsonl'), zho_Hans: path.join(data, 'ocnli/test_public.jsonl') },
    fields: { text: 'premise', pair: 'hypothesis' },
  },
} as const satisfies Readonly<Record<string, CrosslingualTask>>;

export const readTask = async ({ fields = {} }: CrosslingualTask, file: string, prefix: string): Promise<Example[]> =>
  (await readAll('crosslingual', readJsonl(file, fields))).map((row) => ({ ...row, text: prefix + row.text }));
