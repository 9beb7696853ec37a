/**
 * A product learns ten groups of intents, one after the other. How much does it still know of the first ones at the end?
 *
 * naive: just goes on training. EWC: holds the weights that earlier tasks need. replay: mixes ten old sentences of each intent into the
 * batches. joint: trains on everything at once, which is the bound. `--help` shows the options.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import seedrandom from 'seedrandom';
import { batches, crossEntropy, evaluate, format, loadModel, shuffled, sum, useEngine } from '../src';
import { accuracyMatrix, ewc, replay, type AccuracyMatrix } from '../src/ewc';
import { intentTasks, perLabel, type Intent, type Task } from './support/intents';
import { optionsFrom, usage, type Options, type Run, type Setting } from './support/options';
import { progressBar } from './support/progressBar';
import { train } from './support/train';

interface Result {
  readonly setting: Setting;
  readonly method: string;
  /** Accuracy on the tests of all tasks at the end. */
  readonly final: number;
  readonly matrix?: AccuracyMatrix;
  readonly seconds: number;
}

async function learn({ method, setting }: Run, tasks: readonly Task[], options: Options): Promise<Result> {
  const { seed, epochs, batchSize } = options;
  const began = performance.now();
  const steps = tasks.reduce((total, { train }) => total + epochs * Math.ceil(train.length / batchSize), 0);
  const bar = progressBar(`${setting} ${method.title}`, steps);
  const onEvent = ({ type }: { type: string }) => (type === 'step' ? bar.step() : undefined);
  await using model = await loadModel(options.model, { pooling: 'mean' });
  // TIL: only the classes of a row's own task compete. CIL: all classes seen so far.
  const competing = () => (setting === 'cil' ? { classes: [...model.heads] } : {});
  const result = async (matrix?: AccuracyMatrix): Promise<Result> => {
    const scores = Object.values(await evaluate(model, tests(tasks, options.testPerIntent, seed), competing()));
    const final = scores.reduce((total, { accuracy }) => total + accuracy, 0) / scores.length;
    return {
      setting,
      method: method.title,
      final,
      seconds: Math.round((performance.now() - began) / 1000),
      ...(matrix && { matrix }),
    };
  };
  try {
    if (method.name === 'joint') {
      for (const task of tasks) model.addHead(task.name, task.labels, { seed });
      const data = batches(
        tasks.flatMap(({ train }) => train),
        { head: ({ domain }) => model.head(domain), batchSize, ...competing() },
      );
      await train(model, { objective: crossEntropy(), data, epochs, seed, onEvent });
      return await result();
    }

    const guard = ewc({ lambda: method.name === 'ewc' ? method.lambda : 0 });
    const memory = replay({ perLabel: method.name === 'replay' ? 10 : 0, seed });
    const matrix = accuracyMatrix();
    for (const [t, task] of tasks.entries()) {
      const head = model.addHead(task.name, task.labels, { seed: seed + t });
      const data = batches(task.train, { head, batchSize, rehearse: memory.draw(batchSize), ...competing() });
      await train(model, { objective: sum(crossEntropy(), guard), data, epochs, seed: seed + t, onEvent });

      if (method.name === 'ewc') {
        const some = shuffled(task.train, seedrandom(`fisher/${seed}`)).slice(0, 100);
        await guard.consolidate(model, batches(some, { head, batchSize, ...competing() }));
      }
      memory.remember(task.train, { head });
      const learned = tasks.slice(0, t + 1);
      matrix.add(task.name, await evaluate(model, tests(learned, options.matrixPerIntent, seed), competing()));
    }
    guard.dispose();
    return await result(matrix);
  } finally {
    bar.end();
  }
}

/** Up to `perIntent` test rows of each intent, by task. */
const tests = (tasks: readonly Task[], perIntent: number, seed: number): Record<string, Intent[]> =>
  Object.fromEntries(tasks.map(({ name, test }) => [name, perLabel(test, perIntent, seed)]));

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
