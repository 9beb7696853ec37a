import type { Row } from '../support/report';
import { runFile } from '../support/runFile';
import { inText, spreadOf, type Spread } from '../support/runLines';
import { keyOf, runsByMethod, type SetupKey } from '../support/setupRuns';
import { rounded, total } from '../support/stats';

/** A finished run: one line of the file. */
export interface RunLine extends SetupKey {
  readonly clean: number;
  /** Accuracy by kind of perturbation. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly engine: string;
}

export const runs = runFile<SetupKey, RunLine>(keyOf);
export const { readRuns } = runs;

/** All seeds of one setup and method. */
export interface Summary {
  readonly setup: string;
  readonly method: string;
  readonly clean: Spread;
  readonly kinds: Readonly<Record<string, Spread>>;
  /** Clean accuracy minus the mean of the kinds. */
  readonly meanDrop: Spread;
  readonly seeds: readonly number[];
  /** Mean of a run. */
  readonly seconds: number;
}

const dropOf = ({ clean, kinds }: RunLine): number => clean - total(Object.values(kinds)) / Object.keys(kinds).length;

/** One row for each setup and method that was asked for and has runs, in the order in which they were asked for. */
export function summaries(wanted: readonly SetupKey[], lines: readonly RunLine[]): Summary[] {
  return runsByMethod(wanted, lines).map((own) => {
    const { setup, method } = own[0]!;
    return {
      setup,
      method,
      clean: spreadOf(own.map(({ clean }) => clean)),
      kinds: Object.fromEntries(Object.keys(own[0]!.kinds).map((kind) => [kind, spreadOf(own.map(({ kinds }) => kinds[kind]!))])),
      meanDrop: spreadOf(own.map(dropOf)),
      seeds: own.map(({ seed }) => seed),
      seconds: rounded(total(own.map(({ seconds }) => seconds)) / own.length),
    };
  });
}

export const shown = ({ setup, method, clean, kinds, meanDrop, seeds, seconds }: Summary): Row => ({
  setup,
  method,
  clean: inText(clean),
  ...Object.fromEntries(Object.entries(kinds).map(([kind, { mean }]) => [kind, inText({ mean, std: null })])),
  'mean drop': inText(meanDrop),
  seeds: seeds.length,
  seconds,
});
