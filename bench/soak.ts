// Does memory stay flat? Thousands of training steps of ever other shapes on a small encoder, with dropout, AdamW and rows of embeddings.
//   npm run bench -- soak [--json] [--steps 5000] [--threads N]
import * as tf from '@tensorflow/tfjs';
import { adamW, createModel, createRng, createStep, crossEntropy, useEngine } from '../src';
import { benchOptions } from './support/options';
import { engineStats } from './support/ourStep';
import { printReport, type Row } from './support/report';
import { rounded } from './support/stats';
import { labeledBatch, miniLmShape, numberTokenizer } from './support/synthetic';

const { steps, threads, json } = benchOptions({ steps: 5000 });
const { because } = await useEngine({ threads });
const shape = { ...miniLmShape, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 128 };
await using model = createModel(shape, { tokenizer: numberTokenizer(0), seed: 1 });
model.addHead('answer', ['yes', 'no', 'maybe'], { seed: 1 });
const optimizer = adamW({ learningRate: 1e-4 });
const draw = createRng(7);
const step = createStep(model, { objective: crossEntropy(), optimizer, rng: createRng(1) });
const between = (least: number, most: number) => least + (draw() % (most - least + 1));

const rows: Row[] = [];
const every = Math.max(1, Math.floor(steps / 20));
for (let n = 1; n <= steps; n++) {
  const batch = labeledBatch(between(1, 32), between(3, 64), model.classCount, draw);
  const { loss, reports } = step(batch);
  const [value] = await loss.data();
  tf.dispose([loss, reports, batch.inputs.ids, batch.inputs.mask, batch.inputs.places, batch.labels]);
  if (!Number.isFinite(value)) throw new Error(`the loss of step ${n} is ${value}`);
  if (n % every > 0) continue;
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const mib = (bytes: number) => rounded(bytes / 2 ** 20, 1);
  const { compilations = null } = engineStats() ?? {};
  rows.push({
    steps: n,
    'RSS MiB': mib(rss),
    'heap MiB': mib(heapUsed),
    'buffers MiB': mib(arrayBuffers),
    tensors: tf.memory().numTensors,
    compilations,
  });
}
// The first quarter fills pools and touches the last embedding rows. JavaScript's heap is left out: it goes up and down with its collector.
const settled = rows.slice(Math.floor(rows.length / 4)).map((row) => (row['RSS MiB'] as number) - (row['heap MiB'] as number));
printReport(
  {
    bench: 'soak',
    title: `${steps} steps of 1 to 32 rows of 3 to 64 tokens, BERT 2 x 64, 30,522 embeddings`,
    value: rounded(settled.at(-1)! - settled[0]!, 1),
    unit: 'MiB more outside the heap at the end than after a quarter',
    rows,
    notes: [`holdfast: ${because}`],
  },
  json,
);
process.exit(0);
