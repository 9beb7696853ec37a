import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readJsonl, type Example } from '../../src';

/** The languages of SIB-200 that are measured: trained on the first, the others get no label. */
export const topicLanguages = ['eng', 'deu', 'spa', 'fra', 'zho_Hans'] as const;
export const similarityLanguages = ['en', 'de', 'es', 'zh'] as const;

export type TopicExample = Example & { readonly label: string };

/** SIB-200: train and dev in English, test in every language. */
export interface Topics {
  readonly labels: readonly string[];
  readonly train: readonly TopicExample[];
  readonly dev: readonly TopicExample[];
  readonly tests: Readonly<Record<string, readonly TopicExample[]>>;
}

export async function readTopics(shared: string): Promise<Topics> {
  const read = async (language: string, part: string): Promise<TopicExample[]> => {
    const rows: TopicExample[] = [];
    for await (const row of readJsonl(path.join(shared, 'data', 'sib200', language, `${part}.jsonl`)))
      rows.push({ text: row.text, label: row.label! });
    return rows;
  };
  const [train, dev] = await Promise.all([read('eng', 'train'), read('eng', 'dev')]);
  const tests = Object.fromEntries(
    await Promise.all(topicLanguages.map(async (language) => [language, await read(language, 'test')] as const)),
  );
  return { labels: [...new Set(train.map(({ label }) => label))].sort(), train, dev, tests };
}

/** Two sentences and how alike people found them, 0 to 5. */
export interface Pair {
  readonly sentence1: string;
  readonly sentence2: string;
  readonly score: number;
}

export const readPairs = (shared: string, language: string, part: 'train' | 'test'): Promise<Pair[]> =>
  rowsOf<Pair>(path.join(shared, 'data', 'stsb', language, `${part}.jsonl`));

/** The rows of a JSONL file that this project's own steps or the data's maker wrote. */
export async function rowsOf<Row>(file: string): Promise<Row[]> {
  const text = await readFile(file, 'utf8');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Row);
}
