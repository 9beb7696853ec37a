// Not a test: npx tsx test/engine/backend/measure.ts [capi|node|web] [rounds] [threads] [spin|calm]
// Times forward + backward of MiniLM-L6's shape, 32 x 64 tokens. Only meaningful on a quiet machine.
import * as tf from '@tensorflow/tfjs';
import { createOnnxBackend, type RunnerName } from '../../../src/engine/backend';
import { defineFused, idsOf, lossAndGradients, makeWeights } from './bert';

const [runner = 'capi', rounds = '8', threads = '2', spin = 'spin'] = process.argv.slice(2);
const backend = await createOnnxBackend({ runner: runner as RunnerName, threads: Number(threads), spin: spin === 'spin' });
await tf.setBackend('onnxruntime');
const sizes = { layers: 6, hidden: 384, heads: 12, inner: 1536, vocabulary: 30522, positions: 512 };
const variables = Object.fromEntries(Object.entries(makeWeights(sizes)).map(([name, tensor]) => [name, tf.variable(tensor)]));
const fused = defineFused();
const ids = idsOf(32, 64, 30000);
const embedded = tf.tidy(() => tf.gather(variables['we']!, tf.reshape(ids, [-1])));
await embedded.data();

const times: { readonly wall: number; readonly run: number; readonly build: number; readonly tape: number }[] = [];
for (let i = 0; i <= Number(rounds); i++) {
  const before = backend.stats;
  const start = performance.now();
  const { loss, grads } = lossAndGradients(variables, sizes, ids, fused, { embedded });
  const taped = performance.now();
  await loss.data();
  const end = performance.now();
  const after = backend.stats;
  times.push({ wall: end - start, run: after.runMs - before.runMs, build: after.traceMs - before.traceMs, tape: taped - start });
  tf.dispose([loss, ...Object.values(grads)]);
}
const [first, ...rest] = times;
const median = (of: (time: (typeof times)[number]) => number): string =>
  rest
    .map(of)
    .sort((a, b) => a - b)
    .at(rest.length >> 1)!
    .toFixed(1);
const parts = `run ${median((t) => t.run)}, graph and key ${median((t) => t.build)}, tape ${median((t) => t.tape)}`;
const rss = (process.memoryUsage().rss / 2 ** 20).toFixed(0);
process.stdout.write(
  `${backend.describe()}: first ${first!.wall.toFixed(0)} ms, then ${median((t) => t.wall)} ms (${parts}); ${rss} MiB\n`,
);
process.exit(0);
