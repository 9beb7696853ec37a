/**
 * A product learns ten groups of intents, one after the other. How much does it still know of the first ones at the end?
 *
 * naive: just goes on training. EWC: holds the weights that earlier tasks need. replay: mixes ten old sentences of each intent into the
 * batches. joint: trains on everything at once, which is the bound. `--help` shows the options.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { format, loadModel, useEngine } from '../src';
import { ewc, replay, type AccuracyMatrix } from '../src/ewc';
import { learnInSequence, type Method, type Setting } from './support/inSequence';
import { intentTasks, type Task } from './support/intents';
import { holding, joint, naive, rehearsing } from './support/methods';
import { optionsFrom, usage, type MethodOption, type Options, type Run } from './support/options';
import { progressBar } from './support/progressBar';

interface Result {
  readonly setting: Setting;
  readonly method: string;
  /** Accuracy on the tests of all tasks at the end. */
  readonly final: number;
  readonly matrix?: AccuracyMatrix;
  readonly seconds: number;
}

function methodOf(option: MethodOption): Method {
  if (option.name === 'ewc') return holding(() => ewc({ lambda: option.lambda }));
  return { naive, replay: rehearsing(({ seed }) => replay({ perLabel: 10, seed })), joint }[option.name];
}

async function learn({ method, setting }: Run, tasks: readonly Task[], options: Options): Promise<Result> {
  const { epochs, batchSize } = options;
  const began = performance.now();
  const steps = tasks.reduce((total, { train }) => total + epochs * Math.ceil(train.length / batchSize), 0);
  const bar = progressBar(`${setting} ${method.title}`, steps);
  await using model = await loadModel(options.model, { pooling: 'mean' });
  const protocol = { ...options, setting, learningRate: 3e-4, headRate: 1e-3, measured: 100 };
  try {
    const outcome = await learnInSequence(model, tasks, methodOf(method), protocol, () => bar.step());
    return { setting, method: method.title, ...outcome, seconds: Math.round((performance.now() - began) / 1000) };
  } finally {
    bar.end();
  }
}

const headings: Record<Setting, string> = {
  til: 'TIL, task-incremental: it is known which task a text belongs to, only its own intents compete',
  cil: 'CIL, class-incremental: all intents learned so far compete',
};

function table(setting: Setting, results: readonly Result[]) {
  const rows = results.filter((result) => result.setting === setting);
  return {
    title: headings[setting],
    columns: ['method', 'final', 'learn', 'BWT', 'forgetting', 'seconds'],
    rows: rows.map(({ method, final, matrix, seconds }) => {
      const { learn = null, bwt = null, forgetting = null } = matrix?.summary() ?? {};
      return [method, final, learn, bwt, forgetting, seconds];
    }),
  };
}

const legend = `final: accuracy on the tests of all tasks at the end. learn: accuracy on each task right after learning it.
BWT: how it changed since, below 0 is harm. forgetting: how far below its best each task ended. joint: all tasks at once, the bound.`;

async function main(): Promise<void> {
  const options = optionsFrom(process.argv.slice(2));
  if (!options) return console.log(usage);
  if (!existsSync(path.join(options.model, 'config.json'))) {
    throw new Error(
      `There is no model in '${options.model}': give the folder of a pretrained encoder (config.json, model.safetensors, tokenizer.json) with --model.`,
    );
  }
  const tasks = await intentTasks(options.data, options);
  const { name, because } = await useEngine(options.engine ? { engine: options.engine } : {});
  console.log(
    `${tasks.length} tasks of ${tasks[0]!.labels.length} intents, ${options.perIntent} training rows of each. Engine: ${name} (${because}).\n`,
  );

  const results: Result[] = [];
  for (const run of options.runs) {
    const result = await learn(run, tasks, options);
    results.push(result);
    if (result.matrix) console.log(`${run.setting.toUpperCase()}, ${result.method}. ${format(result.matrix)}\n`);
    if (options.json) await writeFile(options.json, JSON.stringify({ options, results: results.map(flat) }, null, 2));
  }
  for (const setting of new Set(options.runs.map((run) => run.setting)))
    console.log(`${format({ table: () => table(setting, results) })}\n`);
  console.log(legend);
}

// `final` is that of all test rows, not the matrix's, which has fewer.
const flat = ({ matrix, ...result }: Result) => ({ ...matrix?.summary(), ...result, ...(matrix && { matrix: matrix.toJSON() }) });

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
