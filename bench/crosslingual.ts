// SIB-200: topics learned from English rows, asked in other languages; which use of a dictionary carries them across.
//   npm run bench -- crosslingual [--setups e5,small-16] [--methods plain,consistency] [--seeds 1,2,3] [--threads N] [--json] [--small] [--out FILE]
// Each finished run is a line of bench/results/crosslingual.jsonl and is not run again: stop it and go on as you like.
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { evaluate, loadModel, useEngine, type Example } from '../src';
import { loadDictionary } from '../src/crosslingual';
import { choice, methods } from './crosslingual/methods';
import { readRuns, runs, shown, summaries, type RunLine } from './crosslingual/results';
import { dictionaries, setups, sib200, testRows, trainRows, version, type Language } from './crosslingual/setups';
import { requireShared } from './support/clinc';
import { orExit } from './support/options';
import { printReport } from './support/report';
import { fillIn } from './support/runFile';
import { setupOptions, titleOf, wantedRuns, type SetupKey } from './support/setupRuns';
import { rounded } from './support/stats';

const options = orExit(() => setupOptions(process.argv.slice(2), choice));
const { threads, out, small } = options;
const files = ['de', 'es', 'fr', 'zh'].map((language) => path.join(dictionaries, `muse-en-${language}.tsv`));
requireShared('crosslingual', sib200, ...files, ...options.setups.map((name) => setups[name]!.model));
const { name, because } = await useEngine({ threads });
const dictionary = await loadDictionary(...files);

const wanted = wantedRuns(`${version}${small ? '-small' : ''}/sib200`, options);
const failures = await fillIn(out, wanted, runs, titleOf, run);

const rows = summaries(wanted, readRuns(out));
printReport(
  {
    bench: 'crosslingual',
    title: 'Topics of SIB-200, learned from English rows: accuracy by language, mean ± standard deviation over the seeds',
    value: rows.find(({ method }) => method === 'consistency')?.gain?.mean ?? null,
    unit: `more of de, es, fr and zh with consistency than without (${options.setups[0]})`,
    rows,
    table: rows.map(shown),
    notes: [
      `holdfast: ${because}; ${out}`,
      'gain: of the mean of de es fr zh over plain training with the same seed. A language has 204 rows: 3 points of one run are chance.',
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
  const head = model.addHead('topic', [...new Set(rows.map(({ label }) => label!))].sort(), { seed });
  await methods[key.method]!({ model, head, rows, dictionary, setup, seed, epochs: small ? 1 : setup.epochs });
  const accuracy: Record<string, number> = {};
  for (const [language, examples] of Object.entries<Example[]>(tests))
    accuracy[language] = rounded((await evaluate(model, examples, { head })).accuracy, 4);
  return {
    ...key,
    accuracy: accuracy as Record<Language, number>,
    seconds: Math.round((performance.now() - began) / 1000),
    engine: `${name}, ${threads} thread${threads === 1 ? '' : 's'}`,
  };
}
