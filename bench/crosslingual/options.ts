import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { listed, whole } from '../support/runLines';
import { methods } from './methods';
import { setups } from './setups';

export interface CrosslingualOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly setups: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly threads: number;
  readonly out: string;
}

/** What the command line asks for; `present` are the setups whose model is there. Throws with a message for the user. */
export function crosslingualOptions(args: string[], present: readonly string[]): CrosslingualOptions {
  const { values } = parseArgs({
    args,
    options: {
      setups: { type: 'string' },
      methods: { type: 'string', default: Object.keys(methods).join(',') },
      seeds: { type: 'string', default: '1,2,3' },
      threads: { type: 'string', default: String(availableParallelism()) },
      out: { type: 'string' },
      small: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const { small, json } = values;
  return {
    json,
    small,
    setups: values.setups === undefined ? (small ? ['small-16'] : present) : listed('setups', values.setups, Object.keys(setups)),
    methods: listed('methods', values.methods, Object.keys(methods)),
    seeds: [...new Set(values.seeds.split(',').map((text) => whole('seeds', text, 0)))],
    threads: whole('threads', values.threads, 1),
    out: values.out ?? (small ? 'runs/bench/crosslingual-small.jsonl' : 'bench/results/crosslingual.jsonl'),
  };
}
