// BERT of 6 layers x 384, one training step on synthetic weights: forward + backward, then AdamW.
//   npx tsx bench/profileStep.ts [--batch 32] [--tokens 64] [--dropout 0.1] [--rounds 7] [--threads 2] [--runner capi] [--profile]
// With --profile: the time of each ONNX operator, least of all rounds, instead of whole steps.
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { createRng } from '../src/core/rng';
import { createOnnxBackend, type RunnerName } from '../src/engine/backend';
import type { Feed, Runner } from '../src/engine/backend/runner';
import { cut } from '../src/engine/cut';
import { adamWStep, attention, dropout, embed, gelu, layerNorm, linear, linears, softmaxCrossEntropy } from '../src/engine/fused';

const { values: args } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    tokens: { type: 'string', default: '64' },
    dropout: { type: 'string', default: '0.1' },
    rounds: { type: 'string', default: '7' },
    threads: { type: 'string', default: '2' },
    layers: { type: 'string', default: '6' },
    runner: { type: 'string' },
    shapes: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const [B, T, L, rounds] = [args.batch, args.tokens, args.layers, args.rounds].map(Number) as [number, number, number, number];
const [V, P, H, I, heads, classes] = [30522, 512, 384, 1536, 12, 2];

const backend = await createOnnxBackend({
  threads: Number(args.threads),
  ...(args.runner && { runner: args.runner as RunnerName }),
});
await tf.setBackend('onnxruntime');

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
const draw = createRng(1);
const noise = (size: number, scale: number) => Float32Array.from({ length: size }, () => (draw() / 2 ** 31 - 1) * scale);
const weights: Record<string, tf.Variable> = {};
const add = (name: string, shape: number[], fill?: number) => {
  const size = shape.reduce((a, b) => a * b, 1);
  weights[name] = tf.variable(tf.tensor(fill === undefined ? noise(size, 0.035) : new Float32Array(size).fill(fill), shape));
};
add('words', [V, H]);
add('positions', [P, H]);
for (const norm of ['embedding', ...Array.from({ length: L }, (_, l) => [`${l}.attention`, `${l}.output`]).flat()]) {
  add(`${norm}.scale`, [H], 1);
  add(`${norm}.bias`, [H], 0);
}
for (let l = 0; l < L; l++) {
  for (const [name, rows, columns] of [
    ['q', H, H],
    ['k', H, H],
    ['v', H, H],
    ['o', H, H],
    ['up', I, H],
    ['down', H, I],
  ] as const) {
    // prettier-ignore
    add(`${l}.${name}.weight`, [rows, columns]);
    add(`${l}.${name}.bias`, [rows], 0);
  }
}
add('classifier.weight', [classes, H]);
add('classifier.bias', [classes], 0);

const w = <R extends tf.Rank>(name: string) => weights[name] as tf.Tensor as tf.Tensor<R>;
const norm = (x: tf.Tensor3D, name: string) => layerNorm(x, w<tf.Rank.R1>(`${name}.scale`), w<tf.Rank.R1>(`${name}.bias`), 1e-12);
const project = (x: tf.Tensor3D, name: string) => linear(x, w<tf.Rank.R2>(`${name}.weight`), w<tf.Rank.R1>(`${name}.bias`));

function forward(rows: tf.Tensor2D, places: tf.Tensor2D, mask: tf.Tensor2D, rate: number, rng: () => number): tf.Tensor2D {
  const drop = (x: tf.Tensor3D) => (rate > 0 ? dropout(x, rate, rng()) : x);
  const words = embed(rows, places);
  const positions = tf.slice(w<tf.Rank.R2>('positions'), [0, 0], [T, H]);
  let x = drop(norm(tf.add(words, positions), 'embedding'));
  for (let l = 0; l < L; l++) {
    const names = ['q', 'k', 'v'].map((name) => `${l}.${name}`);
    const [q, k, v] = linears(x, names.map((name) => w<tf.Rank.R2>(`${name}.weight`)), names.map((name) => w<tf.Rank.R1>(`${name}.bias`))); // prettier-ignore
    const mixed = attention(q!, k!, v!, mask, { heads, ...(rate > 0 && { dropout: { rate, seed: rng() } }) });
    x = norm(tf.add(x, drop(project(mixed, `${l}.o`))), `${l}.attention`);
    x = norm(tf.add(x, drop(project(gelu(project(x, `${l}.up`)), `${l}.down`))), `${l}.output`);
  }
  const first = tf.reshape<tf.Rank.R2>(tf.slice(x, [0, 0, 0], [B, 1, H]), [B, H]);
  return linear(first, w<tf.Rank.R2>('classifier.weight'), w<tf.Rank.R1>('classifier.bias'));
}

const ids = Int32Array.from({ length: B * T }, (_, i) => (i * 7919) % 30000);
const vocabulary = Int32Array.from(new Set(ids)).sort();
const place = new Map([...vocabulary].map((id, i) => [id, i]));
const batch = {
  vocabulary: tf.tensor1d(vocabulary, 'int32'),
  places: tf.tensor2d(
    ids.map((id) => place.get(id)!),
    [B, T],
    'int32',
  ),
  mask: tf.ones<tf.Rank.R2>([B, T]),
  labels: tf.tensor1d(
    Int32Array.from({ length: B }, (_, i) => i % classes),
    'int32',
  ),
};
const trained = Object.keys(weights).filter((name) => name !== 'words');
const moments = Object.fromEntries(trained.map((name) => [name, [0, 1].map(() => tf.keep(tf.zeros(weights[name]!.shape)))]));

/** Records one step; nothing is computed before the reads. */
function record(rate: number, update: boolean): tf.Tensor[] {
  return tf.tidy(() => {
    const rows = tf.gather(weights['words']!, batch.vocabulary) as tf.Tensor2D;
    const sources = [...trained.map((name) => weights[name]!), rows];
    const objective = () =>
      tf.mean<tf.Scalar>(softmaxCrossEntropy(forward(rows, batch.places, batch.mask, rate, draw), batch.labels));
    const { value, grads } = tf.engine().gradients(objective, sources, undefined, true);
    cut();
    if (!update) return [value, ...grads];
    const scalars = {
      size: tf.scalar(1e-5),
      epsilon: tf.scalar(1e-8),
      kept: tf.scalar(1 - 1e-7),
    };
    trained.forEach((name, i) => {
      const [m, v] = moments[name] as [tf.Tensor, tf.Tensor];
      const after = adamWStep<tf.Tensor>(weights[name]!, grads[i]!, m, v, {
        beta1: 0.9,
        beta2: 0.999,
        ...scalars,
      });
      weights[name]!.assign(after[0]);
      moments[name] = [tf.keep(after[1]), tf.keep(after[2])];
      tf.dispose([m, v]);
    });
    cut();
    return [value];
  });
}

/** Runs the step's graphs once more in onnxruntime-node with its profiler on, and adds up the time by operator. */
async function profile() {
  const ort = await import('onnxruntime-node');
  const graphs: { model: Uint8Array; inputs: readonly string[]; feeds: readonly Feed[] }[] = [];
  const runner = backend.runner as { createSession: Runner['createSession'] };
  const create = runner.createSession.bind(backend.runner);
  runner.createSession = async (model, inputs, outputs) => {
    const session = await create(model, inputs, outputs);
    const run = session.run.bind(session);
    session.run = (feeds, fetches) => {
      // Copied: the memory is reused after the run.
      graphs.push({ model, inputs, feeds: feeds.map((feed) => ({ ...feed, data: feed.data.slice() })) });
      session.run = run;
      return run(feeds, fetches);
    };
    return session;
  };
  await measure(rate, true);
  for (const [g, { model, inputs, feeds }] of graphs.entries()) {
    const prefix = join(mkdtempSync(join(tmpdir(), 'profile-')), 'ort');
    const options = { intraOpNumThreads: Number(args.threads), enableProfiling: true, profileFilePrefix: prefix } as const;
    const session = await ort.InferenceSession.create(model, options);
    const tensors = feeds.map(({ type, dims, data }) => {
      const bytes = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
      return new ort.Tensor(type as 'int64', (type === 'int64' ? new BigInt64Array(bytes) : data) as BigInt64Array, dims);
    });
    for (let i = 0; i < rounds; i++) await session.run(Object.fromEntries(tensors.map((tensor, k) => [inputs[k]!, tensor])));
    session.endProfiling();
    const file = readdirSync(dirname(prefix))[0]!;
    const events = JSON.parse(readFileSync(join(dirname(prefix), file), 'utf8')) as {
      cat: string;
      name: string;
      dur: number;
      args: Record<string, never>;
    }[];
    const nodes = new Map<string, { op: string; times: number[] }>();
    for (const { cat, name, dur, args: about } of events) {
      if (cat !== 'Node' || !name.endsWith('kernel_time')) continue;
      const shapes = (about['input_type_shape'] as object[] | undefined)
        ?.map((shape) => JSON.stringify(Object.values(shape)[0]))
        .join(' ');
      const node = nodes.get(name) ?? { op: `${about['op_name']} ${args.shapes ? shapes : ''}`, times: [] };
      node.times.push(dur / 1000);
      nodes.set(name, node);
    }
    const byOp = new Map<string, { count: number; least: number; middle: number }>();
    for (const { op, times } of nodes.values()) {
      const sum = byOp.get(op) ?? { count: 0, least: 0, middle: 0 };
      byOp.set(op, { count: sum.count + 1, least: sum.least + Math.min(...times), middle: sum.middle + median(times) });
    }
    const all = [...byOp].sort((a, b) => b[1].least - a[1].least);
    console.log(`graph ${g}: ${nodes.size} nodes, least ${all.reduce((x, [, y]) => x + y.least, 0).toFixed(0)} ms`);
    for (const [op, { count, least, middle }] of all.slice(0, 40)) {
      console.log(`  ${least.toFixed(1).padStart(7)} (median ${middle.toFixed(1)}) ms  ${String(count).padStart(4)} x ${op}`);
    }
  }
}

async function measure(rate: number, update: boolean) {
  const start = performance.now();
  const kept = record(rate, update);
  const recorded = performance.now() - start;
  const loss = (await kept[0]!.data())[0]!;
  const total = performance.now() - start;
  tf.dispose(kept);
  return { recorded, total, loss };
}

const rate = Number(args.dropout);
if (args.profile) {
  await profile();
  process.exit(0);
}
const kinds = {
  'no dropout': [0, false],
  [`dropout ${rate}`]: [rate, false],
  [`dropout ${rate} + AdamW`]: [rate, true],
} as Record<string, [number, boolean]>;
const times: Record<string, { total: number; recorded: number }[]> = {};
for (const kind of Object.values(kinds)) for (let i = 0; i < 2; i++) await measure(...kind);
for (let i = 0; i < rounds; i++)
  for (const [name, kind] of Object.entries(kinds)) (times[name] ??= []).push(await measure(...kind));
for (const [name, all] of Object.entries(times)) {
  const [total, recorded] = [all.map((x) => x.total), all.map((x) => x.recorded)];
  console.log(
    `${name.padEnd(24)} ${median(total).toFixed(0)} ms (least ${Math.min(...total).toFixed(0)}), recording ${median(recorded).toFixed(1)} ms`,
  );
}
console.log(backend.stats);
