// The empirical Fisher of every weight on real sentences: ours in batches, our own loop over batches of one, PyTorch's loop over batches of one.
//   npm run bench -- fisher [--json] [--rounds 3] [--rows 200] [--batch 32] [--threads N]
// Without ../shared: holdfast-small on the examples' own texts, in place of MiniLM on CLINC150. Our time includes tokenising; theirs does not.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs';
import { folder as small } from 'holdfast-small';
import { batches, crossEntropy, gradientsOf, loadModel, useEngine, type Example } from '../src';
import { denseGradients } from '../src/core/rows';
import { empiricalFisher } from '../src/ewc';
import type { MeasureEvent } from '../src/ewc/meanOverExamples';
import { cut } from '../src/engine/cut';
import { clincTexts, hasClinc, miniLm } from './support/clinc';
import { interleaved, type Side } from './support/interleaved';
import { benchOptions } from './support/options';
import type { Peer } from './support/peer';
import { printReport } from './support/report';
import { median, rounded, spread } from './support/stats';
import { startTorch } from './support/torch';

const options = benchOptions({ rounds: 3, rows: 200, batch: 32 });
const { because } = await useEngine({ threads: options.threads });
const { folder, about, rows, labels } = hasClinc() ? await clinc() : support();
await using model = await loadModel(folder, { pooling: 'mean' });
const head = model.addHead('intent', labels, { seed: 1 });
model.setTrainable(({ part }) => part !== 'maskedLm');

const inBatches = () =>
  empiricalFisher(model, batches(rows, { head, batchSize: options.batch }), { samples: rows.length, onEvent: progress });

/** One line that is drawn over, where someone looks on. */
function progress({ examples, of = examples, seconds }: MeasureEvent): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(examples < of ? `\r\x1b[K${examples} of ${of} sentences, ${seconds.toFixed(1)} s` : '\r\x1b[K');
}

/** What one writes by hand: a gradient for each row, squared and added. */
async function oneByOne(): Promise<void> {
  const gradient = gradientsOf(crossEntropy(), model);
  let sums: Record<string, tf.Tensor> = {};
  for await (const batch of batches(rows, { head, batchSize: 1 }).open({ model, seed: 0, epoch: 0 })) {
    const before = sums;
    sums = tf.tidy(() => {
      const { grads, rows: sparse } = gradient(batch);
      const dense = Object.entries(denseGradients(grads, sparse, model.weights));
      return Object.fromEntries(dense.map(([name, g]) => [name, before[name] ? before[name].add(tf.square(g)) : tf.square(g)]));
    });
    cut();
    await Object.values(sums)[0]!.data();
    tf.dispose([before, { ...batch.inputs }, batch.labels]);
  }
  tf.dispose(sums);
}

const timed = (run: () => Promise<unknown>) => async () => {
  const began = performance.now();
  tf.dispose((await run()) as tf.TensorContainer);
  return [performance.now() - began];
};
const names = { ours: 'holdfast', loop: 'holdfast, one by one', torch: 'PyTorch, one by one' };
const sides: Side[] = [
  { name: names.ours, turn: timed(async () => (await inBatches()).diagonal) },
  { name: names.loop, turn: timed(oneByOne) },
];

const torch = await startTorch(options.threads);
const notes = [`holdfast: ${because}`, 'absent' in torch ? `PyTorch: absent, ${torch.absent}` : torch.about];
if ('peer' in torch) {
  const { ask } = torch.peer;
  await prepare(torch.peer);
  sides.push({
    name: names.torch,
    turn: async () => [(await ask<{ ms: number }>({ do: 'fisher', model: 'theirs', data: 'rows' })).ms],
  });
  notes.push(await difference(torch.peer));
}

// Compilation, caches, first pages; PyTorch had its own when the numbers were compared.
await interleaved(sides.slice(0, 2), 1);
const times = await interleaved(sides, options.rounds);
if ('peer' in torch) await torch.peer.close();
const middle = (name: string) => median((times.get(name) ?? []).flat());
const ratios = (times.get(names.torch) ?? []).map(([ms], round) => ms! / times.get(names.ours)![round]![0]!);
if (ratios.length > 0) notes.push(`PyTorch, by round: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} x our time`);
printReport(
  {
    bench: 'fisher',
    title: `Empirical Fisher of all ${model.trainable.length} weights on ${rows.length} sentences, ${about}, batches of ${options.batch}; milliseconds over ${options.rounds} rounds`,
    value: ratios.length > 0 ? rounded(middle(names.torch) / middle(names.ours), 3) : null,
    unit: "x (time of PyTorch's loop / ours)",
    rows: [...times].map(([side, byRound]) => {
      const { median: ms, least, most, count } = spread(byRound.flat());
      return {
        side,
        'median ms': ms,
        least,
        most,
        rounds: count,
        'ms per row': rounded(ms / rows.length, 1),
        'x ours': rounded(ms / middle(names.ours), 2),
      };
    }),
    notes,
  },
  options.json,
);
process.exit(0);

async function clinc() {
  const { rows, labels } = await clincTexts('fisher', options.rows);
  return { folder: miniLm, about: 'MiniLM on CLINC150', rows, labels };
}

function support() {
  const file = new URL('../examples/data/support/train.jsonl', import.meta.url);
  const all = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Example & { readonly label: string });
  // Every so many, so that all labels occur.
  const step = Math.max(1, Math.floor(all.length / options.rows));
  const rows = all.filter((_, i) => i % step === 0).slice(0, options.rows);
  return {
    folder: small,
    about: "holdfast-small on the examples' texts",
    rows,
    labels: [...new Set(all.map(({ label }) => label))],
  };
}

/** The same network, head and rows on the other side. */
async function prepare({ ask }: Peer): Promise<void> {
  const tokens = await model.tokenizer.encode(
    rows.map(({ text }) => text),
    { maxLength: model.maxLength },
  );
  const ids = tokens.map((row) => row.ids);
  await ask({ do: 'hold_rows', name: 'rows', ids, labels: rows.map(({ label }) => head.columnOf(label)!) });
  const few = { do: 'hold_rows', name: 'few', ids: ids.slice(0, 8), labels: ids.slice(0, 8).map(() => 0) };
  await ask(few);
  const [weight, bias] = await Promise.all(['weight', 'bias'].map((part) => model.weights[`classifier.intent.${part}`]!.array()));
  const found: { attention: string; ms: number }[] = [];
  const create = async (attention: string) => {
    await ask({ do: 'create', name: 'theirs', attention, classes: labels.length, rate: 0, folder });
    await ask({ do: 'set_head', model: 'theirs', weight, bias });
  };
  for (const attention of ['sdpa', 'eager']) {
    await create(attention);
    const runs = [0, 1].map(() => () => ask<{ ms: number }>({ do: 'fisher', model: 'theirs', data: 'few' }));
    const ms: number[] = [];
    for (const run of runs) ms.push((await run()).ms);
    found.push({ attention, ms: Math.min(...ms) });
  }
  const { attention } = found.sort((a, b) => a.ms - b.ms)[0]!;
  await create(attention);
  notes.push(`PyTorch runs with ${attention} attention, the faster here on a first look`);
}

/** Both sides' numbers, compared where they are largest: entries far below a weight's largest are rounding on both sides. */
async function difference({ ask }: Peer): Promise<string> {
  await ask({ do: 'fisher', model: 'theirs', data: 'rows', keep: 'fisher' });
  const { diagonal, largest } = await inBatches();
  const scratch = path.resolve('runs', 'bench', 'fisher');
  mkdirSync(scratch, { recursive: true });
  const file = path.join(scratch, 'values.f32');
  let worst = { name: '', off: 0 };
  for (const [name, tensor] of Object.entries(diagonal)) {
    writeFileSync(file, await tensor.data<'float32'>());
    const weight = name.startsWith('classifier.') ? name.replace('intent.', '') : `encoder.${name.replace(/^bert\./, '')}`;
    const { largest: own, off } = await ask<{ largest: number; off: number }>({ do: 'compare', name: 'fisher', weight, file });
    // The gradient of a key's bias is 0 in theory.
    if (own > 1e-9 * largest && off / own > worst.off) worst = { name, off: off / own };
  }
  rmSync(scratch, { recursive: true });
  tf.dispose(diagonal);
  return `the same numbers: of ${Object.keys(diagonal).length} weights, none differs by more than ${worst.off.toExponential(1)} of its largest entry (${worst.name})`;
}
