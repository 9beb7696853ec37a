// Topics and inference learned from English rows, asked in other languages; which use of a dictionary carries them across.
//   npm run bench -- crosslingual [--setups e5,small-16] [--methods plain,consistency] [--seeds 1,2,3] [--threads N] [--json] [--small] [--out FILE]
// Each finished run is a line of bench/results/crosslingual.jsonl and is not run again: stop it and go on as you like.
import { performance } from 'node:perf_hooks';
import { evaluate, loadModel, useEngine, type TestResult } from '../src';
import { loadDictionary } from '../src/crosslingual';
import { choice, methods } from './crosslingual/methods';
import { packed, readRuns, runs, shown, summaries, type RunLine } from './crosslingual/results';
import { setups, testRows, trainRows, version } from './crosslingual/setups';
import { dictionaryFiles } from './crosslingual/tasks';
import { requireShared } from './support/clinc';
import { orExit } from './support/options';
import { printReport } from './support/report';
import { fillIn } from './support/runFile';
import { setupOptions, titleOf, wantedRuns, type SetupKey } from './support/setupRuns';
import { rounded } from './support/stats';

const options = orExit(() => setupOptions(process.argv.slice(2), choice));
const { threads, out, small } = options;
const needs = options.setups
  .map((name) => setups[name]!)
  .flatMap(({ model, task }) => [model, task.train, ...Object.values(task.tests)]);
requireShared('crosslingual', ...new Set([...needs, ...dictionaryFiles]));
const { name, because } = await useEngine({ threads });
const dictionary = await loadDictionary(...dictionaryFiles);

const wanted = wantedRuns((setup) => `${version}${small ? '-small' : ''}/${setups[setup]!.task.name}`, options);
const failures = await fillIn(out, wanted, runs, titleOf, run);

const rows = summaries(wanted, readRuns(out));
printReport(
  {
    bench: 'crosslingual',
    title: 'Learned from English rows: accuracy by language, mean ± standard deviation over the seeds',
    value: rows.find(({ method }) => method === 'consistency')?.gain?.mean ?? null,
    unit: `more of de, es, fr and zh with consistency than without (${options.setups[0]})`,
    rows,
    table: rows.map(shown),
    notes: [
      `holdfast: ${because}; ${out}`,
      'mean: of de es fr zh, of inference zh. gain: over plain training with the same seed; 95 %: bootstrap over seeds and test rows.',
      ...failures,
    ],
  },
  options.json,
);
process.exit(failures.length > 0 ? 1 : 0);

async function run(key: SetupKey): Promise<RunLine> {
  console.error(titleOf(key));
  const { seed } = key;
  const began = performance.now();
  const setup = setups[key.setup]!;
  const rows = await trainRows(setup, seed);
  const tests = await testRows(setup, small ? 12 : Infinity);
  await using model = await loadModel(setup.model, { pooling: 'mean', heads: false });
  const head = model.addHead(setup.task.name, [...new Set(rows.map(({ label }) => label!))].sort(), { seed });
  await methods[key.method]!({ model, head, rows, dictionary, setup, seed, epochs: small ? 1 : setup.epochs });
  const results: TestResult[] = [];
  for (const [, examples] of tests) results.push(await evaluate(model, examples, { head }));
  const byLanguage = <Value>(value: (result: TestResult, n: number) => Value) =>
    Object.fromEntries(results.map((result, n) => [tests[n]![0], value(result, n)]));
  return {
    ...key,
    accuracy: byLanguage(({ accuracy }) => rounded(accuracy, 4)),
    right: byLanguage(({ predictions }, n) => packed(predictions.map(({ label }, row) => label === tests[n]![1][row]!.label))),
    seconds: Math.round((performance.now() - began) / 1000),
    engine: `${name}, ${threads} thread${threads === 1 ? '' : 's'}`,
  };
}
