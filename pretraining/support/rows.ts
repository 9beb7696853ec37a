import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export const languages = ['en', 'de', 'es', 'fr', 'zh'] as const;
export type Language = (typeof languages)[number];

export interface Sentence {
  readonly lang: Language;
  readonly text: string;
  readonly source: string;
}

/** A text in English and in one or more of the other languages. */
export type Parallel = { readonly en: string; readonly source: string } & { readonly [lang in Exclude<Language, 'en'>]?: string };

export const readText = (file: string): string => {
  const bytes = readFileSync(file);
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
};

export const readLines = (file: string): string[] => readText(file).split('\n').filter(Boolean);

export const readRows = <Row>(file: string): Row[] => readLines(file).map((line) => JSON.parse(line) as Row);

export const writeRows = (file: string, rows: readonly object[]): void =>
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
