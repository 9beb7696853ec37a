// Measures models on data that they never saw.
//   npx tsx pretraining/evaluate.ts FOLDER|bag-of-words|minilm-en|e5-multilingual ... [--json FILE] [--seeds 1,2,3] [--shared ../shared]
//     [--prefix TEXT] [--rates 1e-4,3e-4,1e-3] [--epochs 10] [--only topics,similarity,masked,start] [--held-out FILE]
//     [--beside FILE]
// --json: the file gets these models, others in it stay. --beside: recorded results to show in the same tables.
// --rates: learning rates of the fine-tuning; of several, the English dev rows choose.
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isHoldfastError, loadModel, type PretrainedModel } from '../src';
import { badArgument } from '../src/core/errors';
import { bagOfWordsSimilarity, bagOfWordsTopics } from './evaluation/bagOfWords';
import { readTopics, rowsOf } from './evaluation/data';
import { maskedOf, type HeldOut } from './evaluation/masked';
import type { Measured } from './evaluation/results';
import { similarityOf } from './evaluation/similarity';
import { startOf } from './evaluation/start';
import { tablesOf } from './evaluation/table';
import { topicsOf } from './evaluation/topics';

const root = fileURLToPath(new URL('..', import.meta.url));
/** What corpus.ts took out of the training texts. */
const heldOutFile = path.join(root, 'runs', 'pretraining', 'held-out.jsonl');
const baselinesFile = path.join(root, 'pretraining', 'results', 'baselines.json');
/** What these models' makers say to put before a text. */
const prefixes: Readonly<Record<string, string>> = { 'e5-multilingual': 'query: ' };
const parts = ['topics', 'similarity', 'masked', 'start'];
/** More tokens than any sentence of these tests, and all that a small model has positions for. */
const maxLength = 128;

interface Results {
  readonly models: readonly Measured[];
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      seeds: { type: 'string', default: '1,2,3' },
      shared: { type: 'string', default: path.join(root, '..', 'shared') },
      prefix: { type: 'string' },
      rates: { type: 'string', default: '1e-4,3e-4,1e-3' },
      epochs: { type: 'string', default: '10' },
      only: { type: 'string', default: parts.join() },
      'held-out': { type: 'string', default: heldOutFile },
      beside: { type: 'string', default: baselinesFile },
    },
  });
  if (positionals.length === 0)
    throw badArgument('evaluate', 'name the folder of a model, or a baseline: bag-of-words, minilm-en, e5-multilingual');
  const only = values.only.split(',');
  const unknown = only.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw badArgument('evaluate', `--only has no part '${unknown}': there are ${parts.join(', ')}`);
  const plan: Plan = {
    only: new Set(only),
    shared: values.shared,
    prefix: values.prefix,
    heldOut: values['held-out'],
    seeds: numbers('seeds', values.seeds),
    rates: numbers('rates', values.rates),
    epochs: numbers('epochs', values.epochs)[0]!,
  };
  const models: Measured[] = [];
  for (const target of positionals) {
    console.log(`${target}:`);
    models.push(target === 'bag-of-words' ? await measuredWords(plan) : await measuredModel(target, plan));
    // After each model, so that what was measured stays when the next one fails.
    if (values.json !== undefined) await write(values.json, models);
  }
  console.log(`\n${tablesOf([...(await others(values.beside, models)), ...models])}`);
}

interface Plan {
  readonly only: ReadonlySet<string>;
  readonly shared: string;
  readonly prefix: string | undefined;
  readonly heldOut: string;
  readonly seeds: readonly number[];
  readonly rates: readonly number[];
  readonly epochs: number;
}

async function measuredWords({ only, shared }: Plan): Promise<Measured> {
  return {
    name: 'bag-of-words',
    ...circumstances(),
    parameters: null,
    bytes: null,
    prefix: '',
    ...(only.has('topics') && { topics: bagOfWordsTopics(await readTopics(shared)) }),
    ...(only.has('similarity') && { similarity: await bagOfWordsSimilarity(shared) }),
  };
}

async function measuredModel(target: string, { only, shared, seeds, rates, epochs, heldOut, ...plan }: Plan): Promise<Measured> {
  const folder = existsSync(target) ? target : path.join(shared, 'models', target);
  const name = path.basename(path.resolve(folder));
  const prefix = plan.prefix ?? prefixes[name] ?? '';
  const begun = circumstances();
  // The time of a start is taken before anything of this process is in the way.
  const start = only.has('start') ? await startOf(path.resolve(folder)) : undefined;
  await using model = await loadModel(folder, { pooling: 'mean', heads: false, maxLength });
  const log = (line: string) => console.log(`  ${line}`);
  const similarity = only.has('similarity') ? await similarityOf(model, shared, prefix) : undefined;
  if (similarity) log(`similarity: mean ${similarity.mean.toFixed(3)}`);
  const masked = only.has('masked')
    ? await maskedOf(model, existsSync(heldOut) ? await rowsOf<HeldOut>(heldOut) : [])
    : undefined;
  const topics = only.has('topics')
    ? await topicsOf(model, await readTopics(shared), { prefix, seeds, rates, epochs, log })
    : undefined;
  return {
    name,
    ...begun,
    parameters: parametersOf(model),
    bytes: (await stat(path.join(folder, 'model.safetensors'))).size,
    prefix,
    ...(topics && { topics }),
    ...(similarity && { similarity }),
    ...(masked !== undefined && { masked }),
    ...(start && { start }),
  };
}

const parametersOf = ({ weights }: PretrainedModel): number => Object.values(weights).reduce((sum, { size }) => sum + size, 0);

function numbers(name: string, list: string): number[] {
  const values = list.split(',').map(Number);
  if (values.every((value) => Number.isFinite(value) && value > 0)) return values;
  throw badArgument('evaluate', `--${name} must be numbers above 0 with commas between them, got '${list}'`);
}

/** Puts the models into the file; what it holds of other models stays. */
async function write(file: string, models: readonly Measured[]): Promise<void> {
  const results: Results = { models: [...(await others(file, models)), ...models] };
  await mkdir(path.dirname(path.resolve(file)), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
}

/** When and on what it was measured. */
function circumstances(): Pick<Measured, 'measured' | 'machine'> {
  const cores = cpus();
  return {
    measured: new Date().toISOString().slice(0, 10),
    machine: `Node ${process.version}, ${cores.length} x ${cores[0]?.model.trim() ?? 'unknown processor'}, load ${loadavg()[0]!.toFixed(1)}`,
  };
}

/** Recorded results of models that were not measured now. */
async function others(file: string, models: readonly Measured[]): Promise<Measured[]> {
  if (!existsSync(file)) return [];
  const { models: recorded } = JSON.parse(await readFile(file, 'utf8')) as Results;
  return recorded.filter(({ name }) => models.every((model) => model.name !== name));
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (!isHoldfastError(error)) throw error;
  console.error(error.message);
  process.exit(2);
}
