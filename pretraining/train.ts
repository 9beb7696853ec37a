/**
 * Trains the student from `init/`: masked language modelling, then distillation from two teachers.
 *
 *   npx tsx pretraining/train.ts [--folder runs/pretraining] [--minutes 90] [--threads N] [--fresh]
 *   npx tsx pretraining/train.ts --steps 200 --digest
 *
 * The steps of each phase, and with them the schedule, are arguments; `--minutes`, Ctrl-C and SIGTERM only interrupt: the same command
 * goes on from there, to the same bits. `--steps` takes the first steps of the recipe and leaves nothing behind.
 */
import { parseArgs } from 'node:util';
import { isHoldfastError, useEngine } from '../src';
import { pretrain } from './training/pretrain';
import { recipe as standard, startAfresh, type Recipe } from './training/recipe';

const numbers = Object.keys(standard) as (keyof Recipe)[];
const flag = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/pretraining' },
    minutes: { type: 'string' },
    steps: { type: 'string' },
    threads: { type: 'string' },
    digest: { type: 'boolean', default: false },
    fresh: { type: 'boolean', default: false },
    'checkpoint-every': { type: 'string', default: '300' },
    'log-every': { type: 'string', default: '50' },
    ...Object.fromEntries(numbers.map((name) => [flag(name), { type: 'string' as const }])),
  },
});
const numberOf = (name: string): number | undefined => {
  const text = (values as Readonly<Record<string, unknown>>)[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0, got ${JSON.stringify(text)}`);
  return value;
};
const recipe = Object.fromEntries(numbers.map((name) => [name, numberOf(flag(name)) ?? standard[name]])) as unknown as Recipe;

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort(name));
const minutes = numberOf('minutes');
const timer = minutes === undefined ? undefined : setTimeout(() => stop.abort(`${minutes} minutes`), minutes * 60_000);

const { folder } = values;
if (values.fresh) startAfresh(folder);
const [steps, threads] = [numberOf('steps'), numberOf('threads')];
await useEngine(threads === undefined ? {} : { threads });
try {
  const digest = await pretrain({
    folder,
    recipe,
    ...(steps !== undefined && { steps }),
    checkpointEvery: numberOf('checkpoint-every')!,
    logEvery: numberOf('log-every')!,
    signal: stop.signal,
    onLine: (line) => console.log(JSON.stringify(line)),
  });
  if (values.digest) console.log(digest);
} catch (error) {
  if (!isHoldfastError(error) || error.code !== 'aborted') throw error;
  console.log(`${error.message} (${String(stop.signal.reason)}) The same command goes on.`);
} finally {
  clearTimeout(timer);
}
