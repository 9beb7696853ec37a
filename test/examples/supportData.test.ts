import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

interface Row {
  readonly id: string;
  readonly task: string;
  readonly label: string;
  readonly text: string;
}

const folder = path.join(import.meta.dirname, '../../examples/data/support');
const languages = ['en', 'de', 'es', 'fr', 'zh'] as const;
const utf8 = new TextDecoder('utf-8', { fatal: true });

const read = async (file: string): Promise<Row[]> => {
  const lines = utf8.decode(await readFile(path.join(folder, file))).split('\n');
  expect(lines.pop(), `${file} ends with a line break`).toBe('');
  return lines.map((line) => JSON.parse(line) as Row);
};
const train = await read('train.jsonl');
const tests = Object.fromEntries(
  await Promise.all(languages.map(async (language) => [language, await read(`test.${language}.jsonl`)] as const)),
) as Record<(typeof languages)[number], Row[]>;
const files: [string, Row[]][] = [['train', train], ...Object.entries(tests)];

/** Case, accents, punctuation and spaces do not make a text another one. */
const normalised = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}+/gu, '')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** The words of a text; Chinese writes no spaces, so there its characters. */
const wordsOf = (text: string): Set<string> => new Set(normalised(text).match(/\p{Script=Han}|[^\s\p{Script=Han}]+/gu));

/** Jaccard: the words both have, over the words either has. */
const overlap = (a: Set<string>, b: Set<string>): number => {
  const shared = [...a].filter((word) => b.has(word)).length;
  return shared / (a.size + b.size - shared);
};

const countsOf = (values: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};
const pairs = (rows: readonly Row[]): Record<string, number> => countsOf(rows.map(({ task, label }) => `${task}/${label}`));
const taskOf = new Map(train.map(({ label, task }) => [label, task]));

describe('the support data', () => {
  test.each(files)('%s: every row has an id, a task, a label and a trimmed text, and nothing else', (_, rows) => {
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['id', 'task', 'label', 'text']);
      for (const value of Object.values(row)) expect(value).toBe((value as string).trim());
      expect(row.text).not.toBe('');
      expect(row.text).toBe(row.text.normalize('NFC'));
    }
  });

  test('5 tasks of 5 intents each', () => {
    expect(countsOf([...taskOf.values()])).toEqual({ billing: 5, shipping: 5, account: 5, returns: 5, technical: 5 });
    expect(Object.keys(pairs(train)), 'no intent in two tasks').toHaveLength(25);
  });

  test('at least 20 training sentences an intent, 8 test sentences an intent and language', () => {
    for (const count of Object.values(pairs(train))) expect(count).toBeGreaterThanOrEqual(20);
    for (const language of languages) {
      expect(pairs(tests[language])).toEqual(Object.fromEntries(Object.keys(pairs(train)).map((pair) => [pair, 8])));
    }
  });

  test('ids are unique over train and test', () => {
    const ids = [...train, ...tests.en].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(languages)('%s is parallel to English: same ids, tasks and labels in the same order', (language) => {
    const without = (rows: Row[]) => rows.map(({ id, task, label }) => ({ id, task, label }));
    expect(without(tests[language])).toEqual(without(tests.en));
  });

  test('no text twice, within a file or across train, test and languages', () => {
    const texts = files.flatMap(([, rows]) => rows.map(({ text }) => normalised(text)));
    expect(Object.entries(countsOf(texts)).filter(([, count]) => count > 1)).toEqual([]);
  });

  test('Chinese rows, and no others, contain Han characters', () => {
    for (const [name, rows] of files) {
      const han = rows.filter(({ text }) => /\p{Script=Han}/u.test(text));
      expect(han, name).toHaveLength(name === 'zh' ? rows.length : 0);
    }
  });

  // English train and test are one group: a test sentence must not be a training sentence with a word changed.
  test.each([['en', [...train, ...tests.en]], ...Object.entries(tests).filter(([name]) => name !== 'en')] as [string, Row[]][])(
    '%s: no two sentences of an intent share more than 70 % of their words',
    (_, rows) => {
      const close: [string, string][] = [];
      for (const label of taskOf.keys()) {
        const own = rows.filter((row) => row.label === label).map(({ text }) => ({ text, words: wordsOf(text) }));
        own.forEach((a, i) => {
          for (const b of own.slice(i + 1)) if (overlap(a.words, b.words) > 0.7) close.push([a.text, b.text]);
        });
      }
      expect(close).toEqual([]);
    },
  );

  test('every intent has its definition in the README, under its task', async () => {
    const readme = utf8.decode(await readFile(path.join(folder, 'README.md')));
    const defined = readme.split('\n').flatMap((line) => /^\*\*(\w+)\*\*$|^- `(\w+)`: ./.exec(line)?.slice(1) ?? []);
    let task: string | undefined;
    const found = new Map<string, string | undefined>();
    for (let i = 0; i < defined.length; i += 2) {
      task = defined[i] ?? task;
      if (defined[i + 1] !== undefined) found.set(defined[i + 1]!, task);
    }
    expect(found).toEqual(taskOf);
  });
});
