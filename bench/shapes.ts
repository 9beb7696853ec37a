// Training on batches of real lengths (CLINC150, MiniLM): how many graphs are compiled, and whether a new length costs time.
//   npm run bench -- shapes [--json] [--rounds 200] [--batch 32] [--threads N]
// --rounds: batches. With AdamW and dropout 0.1.
import { adamW, batches, crossEntropy, fit, loadModel, useEngine, type Batches, type Labeled } from '../src';
import { clincTexts, miniLm } from './support/clinc';
import { benchOptions } from './support/options';
import { engineStats } from './support/ourStep';
import { printReport, type Row } from './support/report';
import { median, rounded, spread, total } from './support/stats';

const options = benchOptions({ rounds: 200, batch: 32 });
const { rows: texts, labels } = await clincTexts('shapes');
const { because } = await useEngine({ threads: options.threads });
await using model = await loadModel(miniLm);
const head = model.addHead('intent', labels, { seed: 1 });

interface Step {
  readonly number: number;
  readonly tokens: number;
  readonly ms: number;
  readonly compiled: number;
}

const lengths: number[] = [];
const source = batches(texts, { head, batchSize: options.batch });
const watched: Batches<Labeled> = {
  async *open(opening) {
    for await (const batch of source.open(opening)) {
      lengths.push(batch.inputs.ids.shape[1]);
      yield batch;
    }
  },
};
const steps: Step[] = [];
const compiledBefore = engineStats()?.compilations ?? 0;
let compiled = compiledBefore;
await fit(model, {
  objective: crossEntropy(),
  data: watched,
  optimizer: adamW({ learningRate: 5e-5 }),
  steps: options.rounds,
  seed: 1,
  onEvent(event) {
    if (event.type !== 'step') return;
    const now = engineStats()?.compilations ?? 0;
    steps.push({ number: event.step, tokens: lengths[event.step - 1]!, ms: event.milliseconds, compiled: now - compiled });
    compiled = now;
  },
});

/** How many times as long as it should take: against the steps of the same length, or of the five nearest lengths, in proportion to the tokens. */
function slowness(step: Step, settled: readonly Step[]): number {
  const others = settled.filter((other) => other !== step);
  const same = others.filter(({ tokens }) => tokens === step.tokens);
  if (same.length >= 3) return step.ms / median(same.map(({ ms }) => ms));
  const near = [...others].sort((a, b) => Math.abs(a.tokens - step.tokens) - Math.abs(b.tokens - step.tokens)).slice(0, 5);
  return step.ms / median(near.map(({ ms, tokens }) => ms * Math.max(1, step.tokens / tokens)));
}

const settled = steps.filter(({ number }) => number > 3);
const slowest = settled
  .map((step) => ({ ...step, times: slowness(step, settled) }))
  .sort((a, b) => b.times - a.times)
  .slice(0, 3);
const compiling = steps.filter((step) => step.compiled > 0);
const byLength = new Map<number, Step[]>();
for (const step of [...settled].sort((a, b) => a.tokens - b.tokens))
  byLength.set(step.tokens, [...(byLength.get(step.tokens) ?? []), step]);
const rows: Row[] = [...byLength].map(([tokens, some]) => {
  const { median: middle, least, most, count } = spread(some.map(({ ms }) => ms));
  return { tokens, steps: count, 'median ms': middle, least, most };
});
printReport(
  {
    bench: 'shapes',
    title: `${steps.length} batches of ${options.batch} texts at their own lengths, one training step each, after the third step`,
    value: engineStats() ? compiled - compiledBefore : null,
    unit: 'compilations',
    rows,
    notes: [
      `holdfast: ${because}`,
      `compiled: ${compiling.map(({ number, compiled: count, tokens }) => `${count} in step ${number} (${tokens} tokens)`).join(', ') || 'nothing'}; ${rounded(engineStats()?.compileMs ?? 0)} ms in all`,
      `first three steps: ${steps
        .slice(0, 3)
        .map(({ ms }) => `${rounded(ms)} ms`)
        .join(', ')}; all steps: ${rounded(total(steps.map(({ ms }) => ms)) / 1000, 1)} s`,
      `slowest against their like: ${slowest.map(({ number, tokens, times }) => `${times.toFixed(2)} x (step ${number}, ${tokens} tokens)`).join(', ')}`,
    ],
  },
  options.json,
);
process.exit(0);
