// How long the event loop is kept waiting while the model trains: what a request to the same process would feel.
//   npm run bench -- loop [--json] [--rounds 3] [--steps 10] [--batch 32] [--tokens 64] [--threads N]
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { adamW, batches, crossEntropy, fit, useEngine } from '../src';
import { benchOptions } from './support/options';
import { printReport, type Row } from './support/report';
import { median, rounded } from './support/stats';
import { learningRate, syntheticExamples, syntheticModel } from './support/synthetic';

const options = benchOptions({ rounds: 3, steps: 10, batch: 32, tokens: 64 });
const { rounds, steps, batch: batchSize, tokens, threads } = options;

/** Milliseconds between two looks at the clock; a look that comes in time shows this as its delay. */
const RESOLUTION = 1;

async function delaysDuring(
  work: () => Promise<unknown>,
): Promise<{ p50: number; p99: number; p999: number; max: number; samples: number }> {
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION });
  monitor.enable();
  await work();
  monitor.disable();
  const delay = (nanoseconds: number) => Math.max(0, rounded(nanoseconds / 1e6 - RESOLUTION, 3));
  const at = (percent: number) => delay(monitor.percentile(percent));
  return { p50: at(50), p99: at(99), p999: at(99.9), max: delay(monitor.max), samples: monitor.count };
}

const { because } = await useEngine({ threads });
const { model, head } = syntheticModel(tokens);
const optimizer = adamW({ learningRate });
const data = batches(syntheticExamples(batchSize * steps), { head, batchSize });
let seed = 1;
const train = () => fit(model, { objective: crossEntropy(), data, optimizer, seed: seed++ });

const first = await delaysDuring(train);
const rows: Row[] = [{ while: 'the first epoch, compilation included', ...first }];
const found = [];
for (let round = 0; round < rounds; round++) {
  rows.push({ while: 'idle', ...(await delaysDuring(() => pause(1000))) });
  const one = await delaysDuring(train);
  found.push(one);
  rows.push({ while: 'training', ...one });
}
printReport(
  {
    bench: 'loop',
    title: `Delay of the event loop in ms, fit with AdamW, BERT 6 x 384, ${batchSize} x ${tokens} tokens, epochs of ${steps} steps`,
    value: rounded(median(found.map(({ p99 }) => p99)), 3),
    unit: 'ms (p99 while training)',
    rows,
    notes: [
      `holdfast: ${because}`,
      `A timer of ${RESOLUTION} ms looks at the clock; its ${RESOLUTION} ms is subtracted. Percentiles are over looks, so a long wait counts once: max shows it.`,
    ],
  },
  options.json,
);
process.exit(0);
