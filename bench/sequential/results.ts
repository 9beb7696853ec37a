import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Setting } from '../../examples/support/inSequence';
import type { Row } from '../support/report';
import { rounded, total } from '../support/stats';

/** What tells one run from another. */
export interface RunKey {
  readonly protocol: string;
  readonly setting: Setting;
  readonly method: string;
  readonly seed: number;
}

/** A finished run: one line of the file. */
export interface RunLine extends RunKey {
  readonly final: number;
  /** These are null where all tasks were learned at once. */
  readonly learn: number | null;
  readonly bwt: number | null;
  readonly forgetting: number | null;
  /** Accuracy on the tasks so far, after each task. */
  readonly matrix: readonly (readonly number[])[] | null;
  readonly seconds: number;
  readonly engine: string;
}

const keyOf = ({ protocol, setting, method, seed }: RunKey): string => [protocol, setting, method, seed].join(' ');

/** The finished runs of a file, of several with one key the last one. What a stopped process left half-written is no run. */
export function readRuns(file: string): RunLine[] {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  const runs = lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as RunLine];
    } catch {
      return [];
    }
  });
  return [...new Map(runs.map((run) => [keyOf(run), run])).values()];
}

export function appendRun(file: string, run: RunLine): void {
  mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
  const torn = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8'));
  appendFileSync(file, `${torn ? '\n' : ''}${JSON.stringify(run)}\n`);
}

export const isFinished = (wanted: RunKey, runs: readonly RunLine[]): boolean => runs.some((run) => keyOf(run) === keyOf(wanted));

/** All seeds of one setting and method; `std` is that of a sample, null for one seed. */
export interface Summary {
  readonly setting: Setting;
  readonly method: string;
  readonly final: Spread;
  readonly learn: Spread | null;
  readonly bwt: Spread | null;
  readonly forgetting: Spread | null;
  readonly seeds: readonly number[];
  /** Mean of a run. */
  readonly seconds: number;
}

export interface Spread {
  readonly mean: number;
  readonly std: number | null;
}

/** One row for each setting and method that was asked for and has runs, in the order in which they were asked for. */
export function summaries(wanted: readonly RunKey[], runs: readonly RunLine[]): Summary[] {
  const found = wanted.flatMap((key) => runs.filter((run) => keyOf(run) === keyOf(key)));
  const settings = new Set(wanted.map(({ setting }) => setting));
  const methods = new Set(wanted.map(({ method }) => method));
  return [...settings].flatMap((setting) =>
    [...methods].flatMap((method) => {
      const own = found.filter((run) => run.setting === setting && run.method === method);
      if (own.length === 0) return [];
      const spread = (of: (run: RunLine) => number | null): Spread | null => {
        const values = own.map(of).filter((value) => value !== null);
        return values.length === 0 ? null : { mean: rounded(mean(values), 4), std: deviation(values) };
      };
      return [
        {
          setting,
          method,
          final: spread(({ final }) => final)!,
          learn: spread(({ learn }) => learn),
          bwt: spread(({ bwt }) => bwt),
          forgetting: spread(({ forgetting }) => forgetting),
          seeds: own.map(({ seed }) => seed),
          seconds: rounded(mean(own.map(({ seconds }) => seconds))),
        },
      ];
    }),
  );
}

/** For the table: `.877 ± .004`. */
export const shown = ({ setting, method, final, learn, bwt, forgetting, seeds, seconds }: Summary): Row => ({
  setting,
  method,
  final: inText(final),
  learn: inText(learn),
  BWT: inText(bwt),
  forgetting: inText(forgetting),
  seeds: seeds.join(' '),
  seconds,
});

const mean = (values: readonly number[]): number => total(values) / values.length;

function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const middle = mean(values);
  return rounded(Math.sqrt(total(values.map((value) => (value - middle) ** 2)) / (values.length - 1)), 4);
}

const inText = (spread: Spread | null): string | null => {
  if (!spread) return null;
  const short = (value: number) => value.toFixed(3).replace(/^(-?)0\./, '$1.');
  return spread.std === null ? short(spread.mean) : `${short(spread.mean)} ± ${short(spread.std)}`;
};
