import type { Setting } from '../../examples/support/inSequence';
import type { Row } from '../support/report';
import { runFile } from '../support/runFile';
import { inText, spreadOf, type Spread } from '../support/runLines';
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

export const runs = runFile<RunKey, RunLine>(keyOf);
export const { readRuns, appendRun, isFinished } = runs;

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
        return values.length === 0 ? null : spreadOf(values);
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
          seconds: rounded(total(own.map(({ seconds }) => seconds)) / own.length),
        },
      ];
    }),
  );
}

export const shown = ({ setting, method, final, learn, bwt, forgetting, seeds, seconds }: Summary): Row => ({
  setting,
  method,
  final: inText(final),
  learn: learn && inText(learn),
  BWT: bwt && inText(bwt),
  forgetting: forgetting && inText(forgetting),
  seeds: seeds.join(' '),
  seconds,
});
