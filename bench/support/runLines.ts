import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { rounded, total } from './stats';

/** The finished runs of a file, of several with one key the last one. What a stopped process left half-written is no run. */
export function readLines<Run>(file: string, keyOf: (run: Run) => string): Run[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const runs = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as Run];
    } catch {
      return [];
    }
  });
  return [...new Map(runs.map((run) => [keyOf(run), run])).values()];
}

export function appendLine(file: string, run: object): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const torn = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
  appendFileSync(file, `${torn ? '\n' : ''}${JSON.stringify(run)}\n`);
}

/** `std` is that of a sample, null for one value. */
export interface Spread {
  readonly mean: number;
  readonly std: number | null;
}

export function spreadOf(values: readonly number[]): Spread {
  const mean = total(values) / values.length;
  const squares = total(values.map((value) => (value - mean) ** 2));
  return { mean: rounded(mean, 4), std: values.length < 2 ? null : rounded(Math.sqrt(squares / (values.length - 1)), 4) };
}

/** For a table: `.877 ± .004`. */
export function inText({ mean, std }: Spread): string {
  const short = (value: number) => value.toFixed(3).replace(/^(-?)0\./, '$1.');
  return std === null ? short(mean) : `${short(mean)} ± ${short(std)}`;
}

/** The names in a list of the command line, each once. Throws with a message for the user. */
export function listed<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  const names = [...new Set(text.split(',').map((part) => part.trim()))];
  const odd = names.find((name) => !(known as readonly string[]).includes(name));
  if (odd !== undefined) throw new Error(`--${option}: '${odd}' is none of ${known.join(', ')}`);
  return names as Name[];
}

export function whole(option: string, text: string, least: number): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${option} must be whole numbers ≥ ${least}, got '${text}'`);
}
