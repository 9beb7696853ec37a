import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import seedrandom from 'seedrandom';
import { readJsonl, shuffled, type Example } from '../../src';

const root = fileURLToPath(new URL('../../../shared/', import.meta.url));

export const miniLm = path.join(root, 'models', 'minilm-en');
const clinc = path.join(root, 'data', 'clinc150');

export const hasClinc = (): boolean => [clinc, miniLm].every((folder) => existsSync(folder));

/** Ends the process, with exit code 0, where what a benchmark needs is not on this machine. */
export function requireShared(bench: string, ...folders: readonly string[]): void {
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length === 0) return;
  const named = missing.slice(0, 3).map((folder) => path.relative(process.cwd(), folder));
  if (missing.length > named.length) named.push(`${missing.length - named.length} more`);
  console.log(`${bench}: skipped, it needs ${named.join(' and ')}`);
  process.exit(0);
}

export type Intent = Example & { readonly label: string };

/** CLINC150's training texts, shuffled by a fixed seed: the first `count` of them. */
export async function clincTexts(bench: string, count = Infinity): Promise<{ rows: Intent[]; labels: string[] }> {
  requireShared(bench, clinc, miniLm);
  const all: Intent[] = [];
  for await (const row of readJsonl(path.join(clinc, 'train.jsonl'))) all.push({ ...row, label: row.label! });
  return {
    rows: shuffled(all, seedrandom('bench')).slice(0, count),
    labels: [...new Set(all.map(({ label }) => label))].sort(),
  };
}
