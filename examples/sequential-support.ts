/**
 * A shop's assistant learns what customers write about: first bills, then parcels, accounts, returns and devices. Does it still know
 * the first ones at the end? And does it understand languages in which it never saw a labelled message?
 *
 * naive: just goes on training. EWC: holds the weights that earlier tasks need. replay: keeps ten old messages of each intent and mixes
 * them into the batches. joint: trains on everything at once, which is the bound. `--help` shows the options.
 */
import { batches, crossEntropy, evaluate, format, loadModel, sum, useEngine, type TestResult, type TextModel } from '../src';
import { accuracyMatrix, ewc, replay } from '../src/ewc';
import { progressBar } from './support/progressBar';
import { supportOptionsFrom, usage, type Method, type Setting, type SupportOptions } from './support/supportOptions';
import { languages, supportTasks, type Language, type SupportTask } from './support/supportTasks';
import { train } from './support/train';

type Scores = Record<string, TestResult>;

interface Result {
  readonly setting: Setting;
  readonly method: Method;
  readonly languages: Readonly<Partial<Record<Language, Scores>>>;
  /** Of joint there is none: it learned nothing one after the other. */
  readonly forgetting?: number;
  readonly seconds: number;
}

const batchSize = 20;
const keptPerIntent = 10;
const headRate = 1e-2;

async function learn(setting: Setting, method: Method, tasks: readonly SupportTask[], options: SupportOptions): Promise<Result> {
  const { seed, epochs, rate } = options;
  const began = performance.now();
  const rows = tasks.flatMap((task) => task.train);
  const bar = progressBar(`${headings[setting]}: ${method}`, epochs * Math.ceil(rows.length / batchSize));
  const onEvent = ({ type }: { type: string }) => (type === 'step' ? bar.step() : undefined);
  await using model = await loadModel(options.model, { pooling: 'mean' });
  // Either the intents of a message's own task compete, or all that were learned so far.
  const competing = () => (setting === 'unknown' ? { classes: [...model.heads] } : {});
  const result = async (forgetting?: number): Promise<Result> => ({
    setting,
    method,
    languages: await inLanguages(model, tasks, setting === 'unknown' && method === 'replay' ? languages : ['en'], competing()),
    seconds: (performance.now() - began) / 1000,
    ...(forgetting !== undefined && { forgetting }),
  });
  const guard = ewc({ lambda: method === 'EWC' ? options.lambda : 0 });
  try {
    if (method === 'joint') {
      for (const task of tasks) model.addHead(task.name, task.labels, { seed });
      const taskOf = new Map(rows.map(({ label, task }) => [label, task]));
      const data = batches(rows, { head: ({ label }) => model.head(taskOf.get(label)!), batchSize, ...competing() });
      await train(model, { objective: crossEntropy(), data, epochs, seed, onEvent }, rate, headRate);
      return await result();
    }

    const memory = replay({ perLabel: method === 'replay' ? keptPerIntent : 0, seed });
    const matrix = accuracyMatrix();
    for (const [t, task] of tasks.entries()) {
      const head = model.addHead(task.name, task.labels, { seed: seed + t });
      const data = batches(task.train, { head, batchSize, rehearse: memory.draw(batchSize), ...competing() });
      await train(model, { objective: sum(crossEntropy(), guard), data, epochs, seed: seed + t, onEvent }, rate, headRate);

      if (method === 'EWC') await guard.consolidate(model, batches(task.train, { head, batchSize, ...competing() }));
      memory.remember(task.train, { head });
      matrix.add(task.name, await evaluate(model, testsOf(tasks.slice(0, t + 1), 'en'), competing()));
    }
    return await result(matrix.summary().forgetting);
  } finally {
    guard.dispose();
    bar.end();
  }
}

const testsOf = (tasks: readonly SupportTask[], language: Language) =>
  Object.fromEntries(tasks.map(({ name, test }) => [name, test[language]]));

async function inLanguages(
  model: TextModel,
  tasks: readonly SupportTask[],
  wanted: readonly Language[],
  competing: object,
): Promise<Result['languages']> {
  const found: Partial<Record<Language, Scores>> = {};
  for (const language of wanted) found[language] = await evaluate(model, testsOf(tasks, language), competing);
  return found;
}

const headings: Record<Setting, string> = {
  known: 'It is known which group a message belongs to',
  unknown: 'Nothing is known of a message: all intents compete',
};

const percent = (part: number): number => Math.round(100 * part);

/** Accuracy on each task, and their mean. */
function cellsOf(scores: Scores): number[] {
  const accuracies = Object.values(scores).map(({ accuracy }) => accuracy);
  return [...accuracies, accuracies.reduce((total, one) => total + one, 0) / accuracies.length].map(percent);
}

function methodTable(setting: Setting, tasks: readonly SupportTask[], results: readonly Result[]) {
  const competitors =
    setting === 'known' ? tasks[0]!.labels.length : tasks.reduce((total, { labels }) => total + labels.length, 0);
  return {
    title: `${headings[setting]}\nCorrect answers in % after learning all groups; guessing gives ${percent(1 / competitors)}`,
    columns: ['', ...tasks.map(({ name }) => name), 'mean', 'forgotten', 'seconds'],
    rows: results.map(({ method, languages: { en }, forgetting, seconds }) => [
      method,
      ...cellsOf(en!),
      forgetting === undefined ? null : percent(forgetting),
      Math.round(seconds),
    ]),
  };
}

const languageTable = (tasks: readonly SupportTask[], { languages: found }: Result) => ({
  title: `The same messages in other languages, asked of the model that learned with replay\nCorrect answers in %; every label it saw was on an English message`,
  columns: ['', ...tasks.map(({ name }) => name), 'mean'],
  rows: Object.entries(found).map(([language, scores]) => [language, ...cellsOf(scores)]),
});

/** One message in every language, and what the model takes it for. */
function answers([task]: readonly SupportTask[], { languages: found }: Result): string {
  const lines = Object.entries(found).map(([language, scores]) => {
    const { text } = task!.test[language as Language][0]!;
    return `  ${language}  ${text}  ->  ${scores[task!.name]!.predictions[0]!.label}`;
  });
  return ['For example:', ...lines].join('\n');
}

const legend = `forgotten: by how much, in the mean, a group is below its best at the end.
naive: just goes on training. EWC: holds the weights that earlier groups need. replay: repeats ${keptPerIntent} old messages of each intent.
joint: all groups at once: the bound for whoever learns one after the other.`;

async function main(): Promise<void> {
  const began = performance.now();
  const options = supportOptionsFrom(process.argv.slice(2));
  if (!options) return console.log(usage);
  const tasks = await supportTasks(options);
  const { name, because } = await useEngine();
  const [{ labels, train: rows }] = tasks as [SupportTask];
  console.log(
    `${tasks.length} groups of ${labels.length} intents, learned one after the other, ${rows.length / labels.length} English messages of each intent. Engine: ${name} (${because}).\n`,
  );

  const results: Result[] = [];
  for (const [setting, method] of options.runs) results.push(await learn(setting, method, tasks, options));
  for (const setting of new Set(options.runs.map(([one]) => one))) {
    const own = results.filter((result) => result.setting === setting);
    console.log(`${format({ table: () => methodTable(setting, tasks, own) })}\n`);
  }
  console.log(`${legend}\n`);
  const last = results.find(({ languages: { zh } }) => zh !== undefined);
  if (last) console.log(`${format({ table: () => languageTable(tasks, last) })}\n\n${answers(tasks, last)}\n`);
  console.log(`${Math.round((performance.now() - began) / 1000)} seconds in all.`);
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
