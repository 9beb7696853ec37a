/**
 * An assistant that knows the intents of CLINC150 is asked for what is none of them. Does it notice?
 *
 * Each row of the table is one way to decide: the score of a text, the temperature, and where the threshold comes from. `--help` shows
 * the options.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  batches,
  confidence,
  crossEntropy,
  energy,
  fitScope,
  format,
  loadModel,
  readJsonl,
  useEngine,
  type Example,
  type ScopeOptions,
} from '../src';
import { train as trainOn } from './support/train';

const usage = `Learns the intents of CLINC150 and tells questions that are none of them.

  npx tsx examples/out-of-scope-clinc150.ts [options]

  --model FOLDER     a pretrained encoder                             (../shared/models/minilm-en)
  --data FOLDER      CLINC150: train, val, test, oos-val, oos-test    (../shared/data/clinc150)
  --intents N        the first ones by name; the rest is left out     (150)
  --per-intent N     training rows of each intent                     (20)
  --held-out N       rows of each intent that set the threshold       (10)
  --tests N          test rows of each intent                         (30)
  --epochs N                                                          (4)
  --seed N                                                            (1)`;

const text = (value: string) => ({ type: 'string', default: value }) as const;
const { values } = parseArgs({
  options: {
    model: text('../shared/models/minilm-en'),
    data: text('../shared/data/clinc150'),
    ...{ intents: text('150'), 'per-intent': text('20'), 'held-out': text('10'), tests: text('30') },
    ...{ epochs: text('4'), seed: text('1') },
    help: { type: 'boolean', default: false },
  },
});

const file = (name: string) => readJsonl(path.join(values.data, `${name}.jsonl`));

const ways: Readonly<Record<string, ScopeOptions>> = {
  'confidence, 95 % pass': { score: confidence },
  'energy, 95 % pass': { score: energy },
  'energy at T = 1, 95 % pass': { score: energy, temperature: 1 },
  'confidence, best balance': { score: confidence, outOfScope: file('oos-val') },
  'energy, best balance': { score: energy, outOfScope: file('oos-val') },
};

/** Rows of a file with one of these labels, up to `most` of each. */
async function rowsOf(name: string, labels: readonly string[], most = Infinity): Promise<Example[]> {
  const taken = new Map(labels.map((label) => [label, 0]));
  const rows: Example[] = [];
  for await (const row of file(name)) {
    const before = taken.get(row.label ?? '') ?? Infinity;
    if (before >= most) continue;
    taken.set(row.label!, before + 1);
    rows.push(row);
  }
  return rows;
}

async function main(): Promise<void> {
  if (values.help) return console.log(usage);
  const [seed, epochs] = [Number(values.seed), Number(values.epochs)];
  const known = new Set<string>();
  for await (const { label } of file('train')) known.add(label!);
  const labels = [...known].sort().slice(0, Number(values.intents));
  const train = await rowsOf('train', labels, Number(values['per-intent']));
  const heldOut = await rowsOf('val', labels, Number(values['held-out']));
  const tests = await rowsOf('test', labels, Number(values.tests));
  const { name, because } = await useEngine();
  console.log(`${labels.length} intents, ${train.length} training rows. Engine: ${name} (${because}).\n`);

  await using model = await loadModel(values.model, { pooling: 'mean' });
  const head = model.addHead('intent', labels, { seed });
  await trainOn(model, { objective: crossEntropy(), data: batches(train, { head, batchSize: 32 }), epochs, seed }, 3e-4, 1e-2);

  const table: object[] = [];
  for (const [way, options] of Object.entries(ways)) {
    const scope = await fitScope(model, heldOut, { head, ...options });
    const { score: _, ...report } = await scope.report({ inScope: tests, outOfScope: file('oos-test') });
    table.push({ way, ...report });
  }
  console.log(format(table));
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
