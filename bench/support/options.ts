import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** What every benchmark takes, beside its own numbers. */
export type BenchOptions<Own extends Readonly<Record<string, number>>> = { readonly [Name in keyof Own]: number } & {
  readonly json: boolean;
  /** Threads that compute, on every side. */
  readonly threads: number;
};

/** `--json`, `--threads`, and a `--name N` for each of the defaults. Ends the process with a line if the command line is wrong. */
export function benchOptions<const Own extends Readonly<Record<string, number>>>(defaults: Own): BenchOptions<Own> {
  const numbers: Record<string, number> = { threads: availableParallelism(), ...defaults };
  const flags = Object.fromEntries(Object.keys(numbers).map((name) => [name, { type: 'string' as const }]));
  try {
    const { values } = parseArgs({ options: { ...flags, json: { type: 'boolean', default: false } } });
    for (const [name, text] of Object.entries(values)) {
      if (name === 'json') continue;
      const value = Number(text);
      if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number ≥ 0, got '${text}'`);
      numbers[name] = value;
    }
    return { ...numbers, json: values['json'] === true } as BenchOptions<Own>;
  } catch (error) {
    console.error((error as Error).message);
    const known = Object.entries(numbers).map(([name, value]) => `--${name} N (${value})`);
    console.error(`Options: --json, ${known.join(', ')}`);
    process.exit(2);
  }
}

/** What `parse` reads from the command line; ends the process with a line if that is wrong. */
export function orExit<Options>(parse: () => Options): Options {
  try {
    return parse();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
