import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { listed, whole } from './runLines';

/** What tells one run of a benchmark with several setups from another. */
export interface SetupKey {
  readonly protocol: string;
  readonly setup: string;
  readonly method: string;
  readonly seed: number;
}

export const keyOf = ({ protocol, setup, method, seed }: SetupKey): string => [protocol, setup, method, seed].join(' ');

export const titleOf = ({ setup, method, seed }: SetupKey): string => `${setup} ${method}, seed ${seed}`;

export interface SetupOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly setups: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly threads: number;
  readonly out: string;
}

/** What there is to choose from. */
export interface SetupChoice {
  readonly bench: string;
  readonly setups: readonly string[];
  readonly methods: readonly string[];
  /** Setups that run where none are named; and those of the small form. */
  readonly usual: readonly string[];
  readonly smallest: readonly string[];
}

const flags = {
  setups: { type: 'string' },
  methods: { type: 'string' },
  seeds: { type: 'string', default: '1,2,3' },
  rounds: { type: 'string' },
  threads: { type: 'string', default: String(availableParallelism()) },
  out: { type: 'string' },
  small: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/**
 * What the command line asks for; `rounds` as it was written, for a benchmark that times something besides. Throws with a message for the
 * user.
 */
export function setupOptions(args: string[], choice: SetupChoice): SetupOptions & { readonly rounds: string | undefined } {
  const { values } = parseArgs({ args, options: flags });
  const { small, json, rounds } = values;
  const { bench, setups, methods, usual, smallest } = choice;
  return {
    ...{ json, small, rounds },
    setups: values.setups === undefined ? (small ? smallest : usual) : listed('setups', values.setups, setups),
    methods: values.methods === undefined ? methods : listed('methods', values.methods, methods),
    seeds: [...new Set(values.seeds.split(',').map((text) => whole('seeds', text, 0)))],
    threads: whole('threads', values.threads, 1),
    out: values.out ?? (small ? `runs/bench/${bench}-small.jsonl` : `bench/results/${bench}.jsonl`),
  };
}

/** A seed of every method comes before the next seed. */
export const wantedRuns = (protocolOf: (setup: string) => string, { seeds, setups, methods }: SetupOptions): SetupKey[] =>
  seeds.flatMap((seed) =>
    setups.flatMap((setup) => methods.map((method) => ({ protocol: protocolOf(setup), setup, method, seed }))),
  );

/** The runs that there are of each setup and method asked for, in that order; none without runs. */
export function runsByMethod<Line extends SetupKey>(wanted: readonly SetupKey[], lines: readonly Line[]): Line[][] {
  const groups = new Map<string, Line[]>();
  for (const key of wanted) {
    const name = `${key.setup} ${key.method}`;
    groups.set(name, [...(groups.get(name) ?? []), ...lines.filter((run) => keyOf(run) === keyOf(key))]);
  }
  return [...groups.values()].filter(({ length }) => length > 0);
}
