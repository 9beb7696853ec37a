// All methods of continual learning on one stream of tasks, CLINC150's ten domains with MiniLM: what is kept at the end.
//   npm run bench -- sequential [--json] [--settings til,cil] [--methods naive,replay] [--seeds 1,2,3] [--threads N] [--small]
//     [--out FILE.jsonl] [--data FOLDER or FILE.jsonl] [--test FILE.jsonl] [--model FOLDER]
// Each finished run is a line of the file, and what is in there is not run again. --small: holdfast-small on examples/data/support.
import { performance } from 'node:perf_hooks';
import { learnInSequence } from '../examples/support/inSequence';
import { intentTasks } from '../examples/support/intents';
import { progressBar } from '../examples/support/progressBar';
import { loadModel, useEngine } from '../src';
import { methods } from './sequential/methods';
import { sequentialOptions } from './sequential/options';
import { streamOf } from './sequential/protocol';
import { readRuns, runs, shown, summaries, type RunKey, type RunLine } from './sequential/results';
import { requireShared } from './support/clinc';
import { orExit } from './support/options';
import { printReport } from './support/report';
import { fillIn } from './support/runFile';
import { rounded } from './support/stats';

const options = orExit(() => sequentialOptions(process.argv.slice(2)));
const { threads, out } = options;
const { files, model: folder, trainRows, settings, protocol } = streamOf(options);
requireShared('sequential', files.train, files.test, folder);
const { name, because } = await useEngine({ threads });

// A seed of every method comes before the next seed.
const wanted: RunKey[] = options.seeds.flatMap((seed) =>
  options.settings.flatMap((setting) => options.methods.map((method) => ({ protocol, setting, method, seed }))),
);
const failures = await fillIn(out, wanted, runs, ({ setting, method, seed }) => `${setting} ${method}, seed ${seed}`, run);

const rows = summaries(wanted, readRuns(out));
const finalOf = (method: string) => rows.find((row) => row.setting === 'til' && row.method === method)?.final.mean;
const [held, plain] = [finalOf('ewc-1e5'), finalOf('naive')];
printReport(
  {
    bench: 'sequential',
    title: `${protocol}: accuracy after one task after the other, mean ± standard deviation over the seeds`,
    value: held === undefined || plain === undefined ? null : rounded(held - plain, 3),
    unit: 'more of all tasks known at the end with EWC 1e5 than without (TIL)',
    rows,
    table: rows.map(shown),
    notes: [
      `holdfast: ${because}; ${out}`,
      'til: the task of a text is known. cil: all classes so far compete. final: all test rows at the end. learn: each task right after it.',
      'BWT: how it changed since. forgetting: how far below its best each task ended. joint: all tasks at once, the bound.',
      ...failures,
    ],
  },
  options.json,
);
process.exit(failures.length > 0 ? 1 : 0);

async function run(key: RunKey): Promise<RunLine> {
  const { setting, method, seed } = key;
  const began = performance.now();
  const tasks = await intentTasks(files, { perIntent: trainRows, seed });
  const steps = tasks.reduce((sum, { train }) => sum + settings.epochs * Math.ceil(train.length / settings.batchSize), 0);
  const bar = progressBar(`${setting} ${method}, seed ${seed}`, steps);
  await using model = await loadModel(folder, { pooling: 'mean' });
  try {
    const { final, matrix } = await learnInSequence(model, tasks, methods[method]!, { ...settings, setting, seed }, () =>
      bar.step(),
    );
    const { learn = null, bwt = null, forgetting = null } = matrix?.summary() ?? {};
    const round = (value: number | null) => value && rounded(value, 4);
    return {
      ...key,
      // Of all test rows; the matrix has fewer.
      final: rounded(final, 4),
      learn: round(learn),
      bwt: round(bwt),
      forgetting: round(forgetting),
      matrix: matrix?.toJSON().accuracy.map((row, t) => row.slice(0, t + 1).map((value) => rounded(value!, 4))) ?? null,
      seconds: Math.round((performance.now() - began) / 1000),
      engine: `${name}, ${threads} thread${threads === 1 ? '' : 's'}`,
    };
  } finally {
    bar.end();
  }
}
