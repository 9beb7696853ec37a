import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import seedrandom from 'seedrandom';
import { shuffled, type Example } from '../../src';

/** One domain of CLINC150 and its intents. */
export interface Task {
  readonly name: string;
  readonly labels: readonly string[];
  readonly train: readonly Intent[];
  readonly test: readonly Intent[];
}

export interface Intent extends Example {
  readonly label: string;
  readonly domain: string;
}

/** The first `tasks` domains in alphabetical order, with `perIntent` training rows of each intent, chosen by the seed. */
export async function intentTasks(
  folder: string,
  { tasks, perIntent, seed }: { tasks: number; perIntent: number; seed: number },
): Promise<Task[]> {
  const [train, test] = await Promise.all([rowsOf(path.join(folder, 'train.jsonl')), rowsOf(path.join(folder, 'test.jsonl'))]);
  const names = [...new Set(train.map(({ domain }) => domain))].sort().slice(0, tasks);
  return names.map((name) => {
    const own = train.filter(({ domain }) => domain === name);
    return {
      name,
      labels: [...new Set(own.map(({ label }) => label))].sort(),
      train: perLabel(own, perIntent, seed),
      test: test.filter(({ domain }) => domain === name),
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
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Intent);
}
