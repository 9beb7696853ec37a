import type { Row } from '../support/report';
import { runFile } from '../support/runFile';
import { inText, spreadOf } from '../support/runLines';
import { rounded, total } from '../support/stats';

/** What tells one run from another. */
export interface RunKey {
  readonly protocol: string;
  readonly task: string;
  readonly method: string;
  readonly seed: number;
}

/** A finished run: one line of the file. */
export interface RunLine extends RunKey {
  readonly accuracy: number;
  readonly seconds: number;
  readonly engine: string;
}

const keyOf = ({ protocol, task, method, seed }: RunKey): string => [protocol, task, method, seed].join(' ');

export const runs = runFile<RunKey, RunLine>(keyOf);
export const { readRuns, appendRun, isFinished } = runs;

/** All seeds of one task and method; `std` is that of a sample, null for one seed. */
export interface Summary {
  readonly task: string;
  readonly method: string;
  readonly mean: number;
  readonly std: number | null;
  readonly seeds: readonly number[];
  /** Mean of a run. */
  readonly seconds: number;
}

/** One row for each task and method that was asked for and has runs, in the order in which they were asked for. */
export function summaries(wanted: readonly RunKey[], runs: readonly RunLine[]): Summary[] {
  const found = wanted.flatMap((key) => runs.filter((run) => keyOf(run) === keyOf(key)));
  const names = new Map(wanted.map(({ task, method }) => [`${task} ${method}`, { task, method }]));
  return [...names.values()].flatMap(({ task, method }) => {
    const own = found.filter((run) => run.task === task && run.method === method);
    if (own.length === 0) return [];
    const seconds = rounded(total(own.map((run) => run.seconds)) / own.length);
    return [{ task, method, ...spreadOf(own.map(({ accuracy }) => accuracy)), seeds: own.map(({ seed }) => seed), seconds }];
  });
}

export const shown = ({ task, method, seeds, seconds, ...spread }: Summary): Row => ({
  task,
  method,
  accuracy: inText(spread),
  seeds: seeds.join(' '),
  seconds,
});

/** How much more accurate one method is than another: the mean over the tasks that have both, null where none has. */
export function gain(rows: readonly Summary[], method: string, than: string): number | null {
  const meanOf = (task: string, name: string) => rows.find((row) => row.task === task && row.method === name)?.mean;
  const gains = [...new Set(rows.map(({ task }) => task))].flatMap((task) => {
    const [more, less] = [meanOf(task, method), meanOf(task, than)];
    return more === undefined || less === undefined ? [] : [more - less];
  });
  return gains.length === 0 ? null : rounded(total(gains) / gains.length, 3);
}
