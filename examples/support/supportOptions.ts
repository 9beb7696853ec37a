import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { folder } from 'holdfast-small';

/** Whether it is known which task a message belongs to. */
export type Setting = 'known' | 'unknown';
export type Method = 'naive' | 'EWC' | 'replay' | 'joint';

export interface SupportOptions {
  readonly model: string;
  readonly tasks: number;
  readonly perIntent: number;
  readonly epochs: number;
  readonly rate: number;
  readonly lambda: number;
  readonly seed: number;
  readonly runs: readonly (readonly [Setting, Method])[];
}

export const usage = `Learns five groups of customer messages one after the other, and shows what is kept.

  npm run demo -- [options]

  --model FOLDER     a pretrained encoder           (holdfast-small)
  --tasks N          groups to learn                (5)
  --per-intent N     training messages of each      (20)
  --epochs N         per group                      (5)
  --rate N           learning rate of the encoder   (1e-3)
  --lambda N         strength of EWC                (1e4)
  --settings LIST    is it known which group a message belongs to? known, unknown (both)
  --methods LIST     naive, EWC, replay, joint      (each where it helps)
  --seed N                                          (1)`;

/** Each technique where it helps: that keeps the demo short. */
const helpful: Readonly<Record<Setting, readonly Method[]>> = {
  known: ['naive', 'EWC', 'joint'],
  unknown: ['naive', 'replay', 'joint'],
};

const flags = {
  model: { type: 'string', default: folder },
  tasks: { type: 'string', default: '5' },
  'per-intent': { type: 'string', default: '20' },
  epochs: { type: 'string', default: '5' },
  rate: { type: 'string', default: '1e-3' },
  lambda: { type: 'string', default: '1e4' },
  methods: { type: 'string' },
  settings: { type: 'string', default: 'known,unknown' },
  seed: { type: 'string', default: '1' },
  help: { type: 'boolean', default: false },
} as const;

/** What the command line asks for; undefined if it asks for help. Throws with a message for the user. */
export function supportOptionsFrom(args: string[]): SupportOptions | undefined {
  const { values } = parseArgs({ args, options: flags });
  if (values.help) return undefined;
  const number = (name: 'tasks' | 'per-intent' | 'epochs' | 'rate' | 'lambda' | 'seed', least: number, whole = true): number => {
    const value = values[name] === '' ? NaN : Number(values[name]);
    if (value >= least && Number.isFinite(value) && (!whole || Number.isInteger(value))) return value;
    throw new Error(`--${name} must be a ${whole ? 'whole ' : ''}number ≥ ${least}, got '${values[name]}'`);
  };
  const settings = listed('settings', values.settings, ['known', 'unknown']);
  const methods =
    values.methods === undefined ? undefined : listed('methods', values.methods, ['naive', 'EWC', 'replay', 'joint']);
  if (!existsSync(path.join(values.model, 'model.safetensors'))) {
    throw new Error(
      `There is no model.safetensors in '${values.model}': give the folder of a pretrained encoder (config.json, model.safetensors, tokenizer.json) with --model.`,
    );
  }
  return {
    model: values.model,
    tasks: number('tasks', 1),
    perIntent: number('per-intent', 1),
    epochs: number('epochs', 1),
    rate: number('rate', 0, false),
    lambda: number('lambda', 0, false),
    seed: number('seed', 0),
    runs: settings.flatMap((setting) => (methods ?? helpful[setting]).map((method) => [setting, method] as const)),
  };
}

function listed<Name extends string>(option: string, text: string, known: readonly Name[]): Name[] {
  const names = text.split(',').map((part) => part.trim());
  const odd = names.find((name) => !(known as readonly string[]).includes(name));
  if (odd !== undefined) throw new Error(`--${option}: '${odd}' is none of ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}
