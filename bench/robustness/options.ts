import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { listed, whole } from '../support/runLines';
import { methods } from './methods';
import { setups } from './setups';

export interface RobustnessOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly setups: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  /** Rounds of the costs; 0 leaves them out. */
  readonly rounds: number;
  readonly threads: number;
  readonly out: string;
}

/** What the command line asks for. Throws with a message for the user. */
export function robustnessOptions(args: string[]): RobustnessOptions {
  const { values } = parseArgs({
    args,
    options: {
      setups: { type: 'string' },
      methods: { type: 'string', default: Object.keys(methods).join(',') },
      seeds: { type: 'string', default: '1,2,3' },
      rounds: { type: 'string' },
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
    setups: listed('setups', values.setups ?? (small ? 'support' : Object.keys(setups).join(',')), Object.keys(setups)),
    methods: listed('methods', values.methods, Object.keys(methods)),
    seeds: [...new Set(values.seeds.split(',').map((text) => whole('seeds', text, 0)))],
    rounds: whole('rounds', values.rounds ?? (small ? '1' : '5'), 0),
    threads: whole('threads', values.threads, 1),
    out: values.out ?? (small ? 'runs/bench/robustness-small.jsonl' : 'bench/results/robustness.jsonl'),
  };
}
