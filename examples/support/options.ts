import { parseArgs } from 'node:util';
import type { EngineName } from '../../src';
import type { Setting } from './inSequence';

/** How a stream of tasks is learned; `lambda` belongs to ewc. */
export type MethodOption =
  | { readonly name: 'naive' | 'replay' | 'joint'; readonly title: string }
  | { readonly name: 'ewc'; readonly title: string; readonly lambda: number };

export interface Run {
  readonly setting: Setting;
  readonly method: MethodOption;
}

export interface Options {
  readonly model: string;
  readonly data: string;
  readonly tasks: number;
  readonly perIntent: number;
  readonly runs: readonly Run[];
  readonly seed: number;
  readonly epochs: number;
  readonly batchSize: number;
  /** Test rows of each intent for the final accuracy, and for the matrix after each task. */
  readonly testPerLabel: number;
  readonly matrixPerLabel: number;
  readonly engine?: EngineName;
  readonly json?: string;
  readonly demo: boolean;
}

export const usage = `Learns the domains of CLINC150 one after the other and shows what is kept.

  npx tsx examples/sequential-intents.ts [options]

  --model FOLDER          a pretrained encoder          (../shared/models/minilm-en)
  --data FOLDER           CLINC150 as train/test.jsonl  (../shared/data/clinc150)
  --tasks N               domains to learn              (10)
  --per-intent N          training rows of each intent  (25)
  --methods LIST          naive, ewc, replay, joint     (all)
  --lambda LIST           strength of ewc               (1e4)
  --settings LIST         til: the task of a text is known; cil: all intents seen so far compete (both)
  --epochs N              per task                      (2)
  --batch-size N          new rows per step             (32)
  --test-per-intent N     test rows at the end          (30)
  --matrix-per-intent N   test rows after each task     (6)
  --seed N                                              (1)
  --engine NAME           onnxruntime, cpu …            (the best here)
  --json FILE             writes all results as JSON
  --demo                  a small form of a few minutes`;

const flags = {
  model: { type: 'string', default: '../shared/models/minilm-en' },
  data: { type: 'string', default: '../shared/data/clinc150' },
  tasks: { type: 'string' },
  'per-intent': { type: 'string' },
  methods: { type: 'string' },
  settings: { type: 'string' },
  lambda: { type: 'string', default: '1e4' },
  epochs: { type: 'string', default: '2' },
  'batch-size': { type: 'string', default: '32' },
  'test-per-intent': { type: 'string' },
  'matrix-per-intent': { type: 'string', default: '6' },
  seed: { type: 'string', default: '1' },
  engine: { type: 'string' },
  json: { type: 'string' },
  demo: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** What the command line asks for; undefined if it asks for help. Throws with a message for the user. */
export function optionsFrom(args: string[]): Options | undefined {
  const { values } = parseArgs({ args, options: flags });
  if (values.help) return undefined;
  const sizes = values.demo
    ? { tasks: '4', 'per-intent': '15', 'test-per-intent': '6' }
    : { tasks: '10', 'per-intent': '25', 'test-per-intent': '30' };
  const count = (name: keyof typeof flags) => counted(name, String({ ...sizes, ...values }[name]));
  const lambdas = listed(values.lambda).map((text) => atLeastZero('lambda', text));
  return {
    model: values.model,
    data: values.data,
    tasks: count('tasks'),
    perIntent: count('per-intent'),
    runs: runsOf(values, lambdas),
    seed: atLeastZero('seed', values.seed),
    epochs: count('epochs'),
    batchSize: count('batch-size'),
    testPerLabel: count('test-per-intent'),
    matrixPerLabel: count('matrix-per-intent'),
    ...(values.engine !== undefined && { engine: values.engine as EngineName }),
    ...(values.json !== undefined && { json: values.json }),
    demo: values.demo,
  };
}

function runsOf(
  { methods, settings, demo }: { methods?: string; settings?: string; demo: boolean },
  lambdas: readonly number[],
): Run[] {
  const product = (methodList: string, settingList: string) =>
    listed(settingList).flatMap((text) =>
      listed(methodList)
        .flatMap((name) => methodsNamed(name, lambdas))
        .map((method) => ({ setting: setting(text), method })),
    );
  // The demo shows each technique where it helps: that keeps it short.
  if (demo && methods === undefined && settings === undefined)
    return [...product('naive,replay,joint', 'cil'), ...product('naive,ewc', 'til')];
  return product(methods ?? 'naive,ewc,replay,joint', settings ?? 'til,cil');
}

function methodsNamed(name: string, lambdas: readonly number[]): MethodOption[] {
  if (name === 'ewc') return lambdas.map((lambda) => ({ name, title: `EWC ${lambda.toExponential().replace('+', '')}`, lambda }));
  if (name === 'naive' || name === 'replay' || name === 'joint') return [{ name, title: name }];
  throw new Error(`--methods: '${name}' is none of naive, ewc, replay, joint`);
}

function setting(name: string): Setting {
  if (name === 'til' || name === 'cil') return name;
  throw new Error(`--settings: '${name}' is neither til nor cil`);
}

const listed = (text: string): string[] => text.split(',').map((part) => part.trim());

function counted(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new Error(`--${name} must be a whole number ≥ 1, got '${text}'`);
}

function atLeastZero(name: string, text: string): number {
  const value = Number(text);
  if (text !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} must be a number ≥ 0, got '${text}'`);
}
