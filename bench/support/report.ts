import { cpus, loadavg } from 'node:os';
import { format } from '../../src/core/format';

export type Row = Readonly<Record<string, string | number | null>>;

export interface Report {
  readonly bench: string;
  readonly title: string;
  /** The figure that there is a goal for; null where a peer that it needs is absent. */
  readonly value: number | null;
  readonly unit: string;
  /** For JSON, and for the table if it has no rows of its own. */
  readonly rows: readonly object[];
  readonly table?: readonly Row[];
  /** Lines below the table. */
  readonly notes?: readonly string[];
}

/** Prints the table; with `json` then one line of JSON, which is the last one. */
export function printReport({ bench, title, value, unit, rows, table, notes = [] }: Report, json: boolean): void {
  console.log(`${title}\n${machine()}\n`);
  console.log(format(table ?? rows));
  if (notes.length > 0) console.log(`\n${notes.join('\n')}`);
  console.log(`\n${bench}: ${value === null ? 'no figure' : `${value} ${unit}`}`);
  if (json) console.log(JSON.stringify({ bench, value, unit, rows }));
}

/** What ran it, and whether something else was running: a loaded machine gives figures that say little. */
function machine(): string {
  const cores = cpus();
  const [load = 0] = loadavg();
  const busy =
    load > cores.length + 1 ? `; load ${load.toFixed(1)} on ${cores.length} cores: not quiet, do not trust the figures` : '';
  return `Node ${process.version}, ${cores.length} x ${cores[0]?.model.trim() ?? 'unknown processor'}${busy}`;
}
