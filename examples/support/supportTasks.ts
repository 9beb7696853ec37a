import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Example } from '../../src';

export const languages = ['en', 'de', 'es', 'fr', 'zh'] as const;
export type Language = (typeof languages)[number];

/** What a customer wrote, and what it is about. */
export interface Message extends Example {
  readonly id: string;
  readonly task: string;
  readonly label: string;
}

/** Five intents that are learned together. */
export interface SupportTask {
  readonly name: string;
  readonly labels: readonly string[];
  /** English. */
  readonly train: readonly Message[];
  /** The same messages in every language. */
  readonly test: Readonly<Record<Language, readonly Message[]>>;
}

const folder = fileURLToPath(new URL('../data/support/', import.meta.url));

/** The first `tasks` tasks of examples/data/support, with the first `perIntent` training messages of each intent. */
export async function supportTasks({ tasks, perIntent }: { tasks: number; perIntent: number }): Promise<SupportTask[]> {
  const rows = await messages('train.jsonl');
  const tests = await Promise.all(languages.map((language) => messages(`test.${language}.jsonl`)));
  const names = [...new Set(rows.map(({ task }) => task))].slice(0, tasks);
  return names.map((name) => {
    const of = (all: readonly Message[]) => all.filter(({ task }) => task === name);
    const labels = [...new Set(of(rows).map(({ label }) => label))];
    return {
      name,
      labels,
      train: labels.flatMap((wanted) =>
        of(rows)
          .filter(({ label }) => label === wanted)
          .slice(0, perIntent),
      ),
      test: Object.fromEntries(languages.map((language, i) => [language, of(tests[i]!)])) as Record<Language, Message[]>,
    };
  });
}

async function messages(file: string): Promise<Message[]> {
  const lines = (await readFile(path.join(folder, file), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Message);
}
