import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { listed, whole } from '../support/runLines';
import { methods } from './methods';
import { seeds, tasks } from './tasks';

export interface FewShotOptions {
  readonly json: boolean;
  readonly small: boolean;
  readonly tasks: readonly string[];
  readonly methods: readonly string[];
  readonly seeds: readonly number[];
  readonly threads: number;
  readonly nliEpochs: number;
  readonly out: string;
}

const flags = {
  tasks: { type: 'string', default: Object.keys(tasks).join(',') },
  methods: { type: 'string', default: Object.keys(methods).join(',') },
  seeds: { type: 'string', default: '13,21,42' },
  threads: { type: 'string', default: String(availableParallelism()) },
  'nli-epochs': { type: 'string', default: '2' },
  out: { type: 'string' },
  small: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** What the command line asks for. Throws with a message for the user. */
export function fewShotOptions(args: string[]): FewShotOptions {
  const { values } = parseArgs({ args, options: flags });
  const { small, json } = values;
  return {
    json,
    small,
    tasks: listed('tasks', values.tasks, Object.keys(tasks)),
    methods: listed('methods', values.methods, Object.keys(methods)),
    seeds: listed('seeds', values.seeds, seeds.map(String)).map(Number),
    threads: whole('threads', values.threads, 1),
    nliEpochs: whole('nli-epochs', values['nli-epochs'], 1),
    out: values.out ?? (small ? 'runs/bench/fewshot-small.jsonl' : 'bench/results/fewshot.jsonl'),
  };
}
