// How steady a classifier is on rough input, and what each method costs: accuracy clean and per perturbation; a step by the plain step.
//   npm run bench -- robustness [--setups support,clinc150] [--methods plain,fgm] [--seeds 1,2,3] [--rounds 5] [--threads N] [--json] [--small] [--out FILE]
// Each finished training is a line of bench/results/robustness.jsonl and is not run again. --rounds: of the costs; 0 leaves them out.
import { performance } from 'node:perf_hooks';
import { batches, evaluate, format, loadModel, useEngine } from '../src';
import { perturbed, robustness } from '../src/adversarial';
import { codeSwitch } from '../src/crosslingual';
import { train } from '../examples/support/train';
import { costsOf } from './robustness/costs';
import { methods } from './robustness/methods';
import { readRuns, runs, shown, summaries, type RunLine } from './robustness/results';
import { batchSize, dictionaryOf, kindsOf, needs, robustnessOptions, rowsOf, setups, version } from './robustness/setups';
import { requireShared } from './support/clinc';
import { orExit } from './support/options';
import { printReport } from './support/report';
import { fillIn } from './support/runFile';
import { titleOf, wantedRuns, type SetupKey } from './support/setupRuns';
import { rounded } from './support/stats';

const options = orExit(() => robustnessOptions(process.argv.slice(2)));
const { threads, out, small, rounds } = options;
requireShared('robustness', ...options.setups.flatMap((setup) => needs(setups[setup]!)));
const { name, because } = await useEngine({ threads });

const shape = small ? { rows: 4, tokens: 8 } : { rows: 32, tokens: 32 };
const costs = rounds > 0 ? await costsOf(options.methods, { rounds, ...shape }) : [];
if (costs.length > 0) console.log(`${format(costs)}\n`);

const wanted = wantedRuns(() => `${version}${small ? '-small' : ''}`, options);
const failures = await fillIn(out, wanted, runs, titleOf, run);

const rows = summaries(wanted, readRuns(out));
printReport(
  {
    bench: 'robustness',
    title: 'Accuracy, mean over the seeds: clean, and with a third of the words changed',
    value: costs.find(({ method }) => method === 'fgm')?.ratio ?? null,
    unit: 'times the plain step for FGM',
    rows: [...costs, ...rows],
    table: rows.map(shown),
    notes: [`holdfast: ${because}; ${out}`, 'mean drop: clean less the mean of the others.', ...failures],
  },
  options.json,
);
process.exit(failures.length > 0 ? 1 : 0);

async function run(key: SetupKey): Promise<RunLine> {
  console.error(titleOf(key));
  const { seed } = key;
  const began = performance.now();
  const setup = setups[key.setup]!;
  const { labels, train: learned, test } = await rowsOf(setup, seed);
  const dictionary = await dictionaryOf(setup);
  await using model = await loadModel(setup.model, { pooling: 'mean', heads: false });
  const head = model.addHead('intent', labels, { seed });
  const { objective, transforms = [], noise } = methods[key.method]!();
  const source = noise ? perturbed(noise)(learned) : learned;
  // All methods read the same batches, so that their texts are shuffled alike; only `consistency` looks at the second view.
  const data = batches(codeSwitch({ dictionary, rate: 0.3 })(source), { head, batchSize });
  const epochs = small ? 1 : setup.epochs;
  await train(model, { objective, transforms, data, epochs, seed }, setup.learningRate, setup.headRate);
  const report = await robustness(small ? test.slice(0, 20) : test, {
    evaluate: (rows) => evaluate(model, rows, { head }),
    kinds: kindsOf(setup, dictionary),
    seed: 1,
  });
  return {
    ...key,
    clean: rounded(report.clean.accuracy, 4),
    kinds: Object.fromEntries(Object.entries(report.kinds).map(([kind, { accuracy }]) => [kind, rounded(accuracy, 4)])),
    seconds: Math.round((performance.now() - began) / 1000),
    engine: `${name}, ${threads} thread${threads === 1 ? '' : 's'}`,
  };
}
