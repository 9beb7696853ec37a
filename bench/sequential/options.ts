import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Setting } from '../../examples/support/inSequence';
import { listed, whole } from '../support/runLines';
import { methods } from './methods';

export interface SequentialOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly settings: readonly Setting[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly threads: number;
  readonly out: string;
  readonly data: string | undefined;
  readonly test: string | undefined;
  readonly model: string | undefined;
}

const flags = {
  settings: { type: 'string', default: 'til,cil' },
  methods: { type: 'string', default: Object.keys(methods).join(',') },
  seeds: { type: 'string', default: '1,2,3' },
  threads: { type: 'string', default: String(availableParallelism()) },
  out: { type: 'string' },
  data: { type: 'string' },
  test: { type: 'string' },
  model: { type: 'string' },
  small: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** What the command line asks for. Throws with a message for the user. */
export function sequentialOptions(args: string[]): SequentialOptions {
  const { values } = parseArgs({ args, options: flags });
  const { small } = values;
  return {
    json: values.json,
    small,
    settings: listed('settings', values.settings, ['til', 'cil'] as const),
    methods: listed('methods', values.methods, Object.keys(methods)),
    seeds: [...new Set(values.seeds.split(',').map((text) => whole('seeds', text, 0)))],
    threads: whole('threads', values.threads, 1),
    out: values.out ?? (small ? 'runs/bench/sequential-small.jsonl' : 'bench/results/sequential.jsonl'),
    data: values.data,
    test: values.test,
    model: values.model,
  };
}
