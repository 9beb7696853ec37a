// One training step of BERT 6 x 384 with dropout 0.1, on random weights: forward + backward, and with AdamW.
//   npm run bench -- step [--json] [--rounds 7] [--steps 2] [--batch 32] [--tokens 64] [--slow 1] [--threads N]
// --steps: of each kind per round. --slow: rounds with tfjs's own engines, whose steps may take a minute.
import { useEngine } from '../src';
import { interleaved, type Side } from './support/interleaved';
import { benchOptions } from './support/options';
import { ourStep, type StepTime } from './support/ourStep';
import { printReport, type Row } from './support/report';
import { median, rounded, spread } from './support/stats';
import { classes, learningRate, miniLmShape, syntheticBatch, syntheticModel, syntheticNumbers } from './support/synthetic';
import { startTfjsPeers } from './support/tfjsPeers';
import { startTorch, type Steps, type Update } from './support/torch';

const options = benchOptions({ rounds: 7, steps: 2, batch: 32, tokens: 64, slow: 1 });
const { rounds, steps, batch: B, tokens: T, threads } = options;

const { because } = await useEngine({ threads });
const synthetic = syntheticModel(T);
const ours = ourStep(synthetic.model, await syntheticBatch(synthetic, B));
/** What our steps took, by side. */
const taken = new Map<string, StepTime[]>();
const sides: Side[] = [
  { name: 'holdfast', turn: () => repeated('holdfast', ours.evaluate) },
  { name: 'holdfast + AdamW', turn: () => repeated('holdfast + AdamW', ours.train) },
];

const torch = await startTorch(threads);
const notes = [`holdfast: ${because}`, 'absent' in torch ? `PyTorch: absent, ${torch.absent}` : torch.about];
const updates: readonly (readonly [string, Update])[] = [
  ['', 'none'],
  [' + AdamW', 'default'],
  [' + AdamW fused', 'fused'],
];
if ('peer' in torch) {
  const { peer } = torch;
  await peer.ask({ do: 'hold', name: 'batch', ...syntheticNumbers(B, T) });
  for (const attention of ['sdpa', 'eager']) {
    await peer.ask({
      do: 'create',
      name: attention,
      attention,
      classes: classes.length,
      rate: learningRate,
      config: miniLmShape,
    });
    for (const [suffix, update] of updates) {
      const turn = async () =>
        (await peer.ask<Steps>({ do: 'steps', model: attention, batch: 'batch', update, count: steps })).ms;
      sides.push({ name: `PyTorch ${attention}${suffix}`, turn });
    }
  }
}
const slow: Side[] = [];
const tfjs = await startTfjsPeers({ batch: B, tokens: T }, threads);
for (const one of tfjs) {
  if ('absent' in one) {
    notes.push(`${one.name}: absent, ${one.absent}`);
    continue;
  }
  for (const [suffix, update] of updates.slice(0, 2)) {
    const turn = async () => (await one.peer.ask<Steps>({ do: 'steps', update, count: 1 })).ms;
    slow.push({ name: `${one.name}${suffix}`, turn });
  }
}

// Compilation, caches, first pages: once for everybody, then once more.
await interleaved(sides, 2);
taken.clear();
const times = await interleaved(sides, rounds);
await takeSlowTurns();
if ('peer' in torch) await torch.peer.close();
for (const one of tfjs) if ('peer' in one) await one.peer.close();

const withUpdate = (name: string) => name.includes('AdamW');
const own = (update: boolean) => median(times.get(update ? 'holdfast + AdamW' : 'holdfast')!.flat());
const percent = (name: string, part: (time: StepTime) => number) => {
  const some = taken.get(name);
  return some ? rounded(100 * median(some.map(part)), 1) : null;
};
const rows: Row[] = [...times].map(([name, byRound]) => {
  const { median: middle, least, most, count } = spread(byRound.flat());
  return {
    side: name,
    'median ms': middle,
    least,
    most,
    steps: count,
    'x ours': rounded(median(byRound.flat()) / own(withUpdate(name)), 3),
    'JavaScript %': percent(name, ({ ourMs, ms }) => ourMs / ms),
    'thread busy %': percent(name, ({ busy }) => busy),
  };
});
const best = (update: boolean) =>
  [...times]
    .filter(([name]) => name.startsWith('PyTorch') && withUpdate(name) === update)
    .sort(([, a], [, b]) => median(a.flat()) - median(b.flat()))[0];

for (const update of [false, true]) {
  const peer = best(update);
  if (!peer) continue;
  const mine = times.get(update ? 'holdfast + AdamW' : 'holdfast')!;
  const ratios = peer[1].map((round, r) => median(round) / median(mine[r]!));
  notes.push(`${peer[0]} is PyTorch's fastest; by round ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')} x our time`);
}
notes.push(
  'JavaScript: recording the step and making graphs, keys and feeds of it. Thread busy: with anything at all (eventLoopUtilization).',
);
const fastest = best(true);
printReport(
  {
    bench: 'step',
    title: `Training step, BERT 6 x 384, 12 heads, ${B} x ${T} tokens, dropout 0.1; milliseconds over ${rounds} rounds of ${steps}`,
    value: fastest ? rounded(median(fastest[1].flat()) / own(true), 3) : null,
    unit: 'x (time of PyTorch / ours, with AdamW)',
    rows,
    notes,
  },
  options.json,
);
process.exit(0);

/** tfjs's own engines: rounds of one step; an engine that fails is named. */
async function takeSlowTurns(): Promise<void> {
  for (let round = 0; round < options.slow; round++) {
    for (const { name, turn } of [...slow]) {
      try {
        times.set(name, [...(times.get(name) ?? []), [...(await turn())]]);
      } catch (error) {
        slow.splice(
          slow.findIndex((side) => side.name === name),
          1,
        );
        notes.push(`${name}: failed, ${(error as Error).message}`);
      }
    }
  }
}

async function repeated(name: string, step: () => Promise<StepTime>): Promise<number[]> {
  const all: StepTime[] = [];
  for (let i = 0; i < steps; i++) all.push(await step());
  taken.set(name, [...(taken.get(name) ?? []), ...all]);
  return all.map(({ ms }) => ms);
}
