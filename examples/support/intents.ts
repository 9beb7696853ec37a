import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import seedrandom from 'seedrandom';
import { shuffled, type Example } from '../../src';

/** What is learned at a time: a domain of CLINC150 and its intents, say. */
export interface Task {
  readonly name: string;
  readonly labels: readonly string[];
  readonly train: readonly Intent[];
  readonly test: readonly Intent[];
}

export interface Intent extends Example {
  readonly label: string;
  /** Name of its task. */
  readonly task: string;
}

export interface TaskFiles {
  /** JSONL with `text`, `label` and `task`; CLINC150 calls the last one `domain`. */
  readonly train: string;
  readonly test: string;
}

/**
 * The first `tasks` tasks in alphabetical order, with up to `perIntent` training rows of each intent, chosen by the seed.
 *
 * @param source the two files, or a folder with `train.jsonl` and `test.jsonl`
 */
export async function intentTasks(
  source: string | TaskFiles,
  { tasks = Infinity, perIntent, seed }: { tasks?: number; perIntent: number; seed: number },
): Promise<Task[]> {
  const files =
    typeof source === 'string' ? { train: path.join(source, 'train.jsonl'), test: path.join(source, 'test.jsonl') } : source;
  const [train, test] = await Promise.all([rowsOf(files.train), rowsOf(files.test)]);
  const names = [...new Set(train.map(({ task }) => task))].sort().slice(0, tasks);
  return names.map((name) => {
    const own = train.filter(({ task }) => task === name);
    const tests = test.filter(({ task }) => task === name);
    if (tests.length === 0) throw new Error(`'${files.test}' has no row of task '${name}'`);
    return {
      name,
      labels: [...new Set(own.map(({ label }) => label))].sort(),
      train: perLabel(own, perIntent, seed),
      test: tests,
    };
  });
}

/** Up to `count` rows of each label, chosen by the seed. */
export function perLabel(rows: readonly Intent[], count: number, seed: number): Intent[] {
  const order = shuffled(rows, seedrandom(`rows/${seed}`));
  const taken = new Map<string, number>();
  return order.filter(({ label }) => {
    const before = taken.get(label) ?? 0;
    taken.set(label, before + 1);
    return before < count;
  });
}

async function rowsOf(file: string): Promise<Intent[]> {
  if (!existsSync(file)) throw new Error(`'${file}' is not there: give the folder of CLINC150 with --data`);
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const { domain, ...row } = JSON.parse(line) as Intent & { readonly domain?: string };
    const intent = { ...row, task: row.task ?? domain };
    if ([intent.text, intent.label, intent.task].every((field) => typeof field === 'string')) return intent;
    throw new Error(`'${file}' line ${i + 1}: a row needs the texts 'text', 'label' and 'task'`);
  });
}
