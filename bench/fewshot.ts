// All methods for few labels against plain fine-tuning, on 16 rows per class: accuracy on the whole test set.
//   npm run bench -- fewshot [--json] [--tasks sst2,trec,rte,eprstmt] [--methods linear-probe,setfit] [--seeds 13,21,42]
//     [--out FILE.jsonl] [--threads N] [--nli-epochs N] [--small]
// Each finished run is a line of the file, and what is in there is not run again. --small: few rows, to see that all of it runs.
import { performance } from 'node:perf_hooks';
import { useEngine } from '../src';
import { methods, type ModelKind } from './fewshot/methods';
import { fewShotOptions } from './fewshot/options';
import { inferenceRowsOf, protocolOf, rowsOf, unlabelledRows, version, wantedRuns } from './fewshot/protocol';
import { gain, readRuns, runs, shown, summaries, type RunKey, type RunLine } from './fewshot/results';
import { afterMaskedLm, afterSimcse, inferenceModel } from './fewshot/stages';
import { inferenceRows, tasks, type FewShotTask } from './fewshot/tasks';
import { requireShared } from './support/clinc';
import { orExit } from './support/options';
import { printReport } from './support/report';
import { fillIn } from './support/runFile';
import { rounded } from './support/stats';

const options = orExit(() => fewShotOptions(process.argv.slice(2)));
const { threads, out, nliEpochs } = options;
const protocol = protocolOf(options);
const wanted = wantedRuns(options);
requireShared('fewshot', ...new Set(wanted.flatMap(needs)));
const { name, because } = await useEngine({ threads });

const titleOf = ({ task, method, seed }: RunKey) => `${task} ${method}, seed ${seed}`;
const failures = await fillIn(out, wanted, runs, titleOf, run);

const rows = summaries(wanted, readRuns(out));
printReport(
  {
    bench: 'fewshot',
    title: 'accuracy with 16 rows per class, mean ± standard deviation over the splits',
    value: gain(rows, 'setfit', 'fine-tuning'),
    unit: 'more accuracy with SetFit than with plain fine-tuning, mean over the tasks',
    rows,
    table: rows.map(shown),
    notes: [
      `holdfast: ${because}; ${out}`,
      'minilm-en, and minilm-en-mlm for pet and adapet; in eprstmt (Chinese) e5-multilingual and holdfast-small. Nothing is tuned.',
      `efl: after ${nliEpochs} epochs on English inference rows. What learns from no rows (efl-zero, pet-zero) has one seed.`,
      ...failures,
    ],
  },
  options.json,
);
process.exit(failures.length > 0 ? 1 : 0);

async function run(key: RunKey): Promise<RunLine> {
  console.error(titleOf(key));
  const { seed } = key;
  const [task, method] = [tasks[key.task]!, methods[key.method]!];
  const data = await rowsOf(task, method, seed, protocol);
  const model = await modelOf(task, method.model);
  // A stage is not a part of the run: it is trained once for all.
  const began = performance.now();
  const accuracy = await method.accuracy({ model, encoder: task.encoder, task, ...data, seed, settings: protocol.settings });
  return {
    ...key,
    accuracy: rounded(accuracy, 4),
    seconds: Math.round((performance.now() - began) / 1000),
    engine: `${name}, ${threads} thread${threads === 1 ? '' : 's'}`,
  };
}

async function modelOf(task: FewShotTask, kind: ModelKind): Promise<string> {
  if (kind === 'encoder' || kind === 'masked') return task[kind];
  const cache = `runs/bench/inference/${version}`;
  if (kind === 'inference')
    return inferenceModel(task.encoder, { rows: await inferenceRowsOf(task, protocol), epochs: nliEpochs, cache });
  const rows = await unlabelledRows(task, kind, protocol.stage);
  return kind === 'after-mlm'
    ? afterMaskedLm(task.masked, { rows, epochs: 3, cache })
    : afterSimcse(task.encoder, { rows, epochs: 1, cache });
}

function needs({ task: name, method, seed }: RunKey): string[] {
  const { encoder, masked, unlabelled, ...task } = tasks[name]!;
  const { model, unlabelled: reads } = methods[method]!;
  const own = {
    encoder: [encoder],
    masked: [masked],
    inference: [encoder, inferenceRows],
    'after-mlm': [masked],
    'after-simcse': [encoder],
  };
  return [...own[model], ...Object.values(task.files(seed)), ...(reads ? [unlabelled!] : [])];
}
