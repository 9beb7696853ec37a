// Peak resident memory of training steps with AdamW, each side in a fresh process: BERT 6 x 384, dropout 0.1, random weights.
//   npm run bench -- memory [--json] [--rounds 3] [--steps 5] [--batch 32] [--tokens 64] [--threads N]
import { bundled } from './support/bundle';
import { benchOptions } from './support/options';
import { startPeer, type Peer } from './support/peer';
import { printReport, type Row } from './support/report';
import { rounded, spread } from './support/stats';
import { classes, learningRate, miniLmShape, syntheticNumbers } from './support/synthetic';
import { startTorch } from './support/torch';

const options = benchOptions({ rounds: 3, steps: 5, batch: 32, tokens: 64 });
const { rounds, steps, batch: B, tokens: T, threads } = options;
const script = await bundled('holdfast');

interface Memory {
  readonly peak: number;
  readonly now: number;
}

/** In bytes: right after the libraries were loaded, and the peak after the steps. */
interface Measured {
  readonly loaded: number;
  readonly peak: number;
}

async function measured(peer: Peer, prepare: () => Promise<unknown>, step: Readonly<Record<string, unknown>>): Promise<Measured> {
  const { now } = await peer.ask<Memory>({ do: 'memory' });
  await prepare();
  await peer.ask({ do: 'steps', count: steps, ...step });
  const { peak } = await peer.ask<Memory>({ do: 'memory' });
  await peer.close();
  return { loaded: now, peak };
}

const notes: string[] = [];
async function ours(): Promise<Measured> {
  const peer = startPeer(process.execPath, [script, 'onnxruntime', String(threads)]);
  const { about } = await peer.ask<{ about: string }>({ do: 'hello' });
  if (notes.length === 0) notes.push(`holdfast: ${about}`);
  return measured(peer, () => peer.ask({ do: 'create', batch: B, tokens: T }), { update: 'default' });
}

const { ids, labels } = syntheticNumbers(B, T);
async function pytorch(attention: string): Promise<Measured | undefined> {
  const torch = await startTorch(threads);
  if ('absent' in torch) {
    if (notes.length < 2) notes.push(`PyTorch: absent, ${torch.absent}`);
    return undefined;
  }
  if (notes.length < 2) notes.push(torch.about);
  const { peer } = torch;
  const prepare = async () => {
    await peer.ask({ do: 'create', name: 'm', attention, classes: classes.length, rate: learningRate, config: miniLmShape });
    await peer.ask({ do: 'hold', name: 'batch', ids, labels });
  };
  return measured(peer, prepare, { model: 'm', batch: 'batch', update: 'fused' });
}

const sides = new Map<string, { run: () => Promise<Measured | undefined>; found: Measured[] }>([
  ['holdfast', { run: ours, found: [] }],
  ['PyTorch sdpa', { run: () => pytorch('sdpa'), found: [] }],
  ['PyTorch eager', { run: () => pytorch('eager'), found: [] }],
]);
for (let round = 0; round < rounds; round++) {
  for (const { run, found } of sides.values()) {
    const one = await run();
    if (one) found.push(one);
  }
}

const rows: Row[] = [...sides]
  .filter(([, { found }]) => found.length > 0)
  .map(([side, { found }]) => {
    const mebibytes = (bytes: (one: Measured) => number) => spread(found.map((one) => bytes(one) / 2 ** 20));
    const { median: peak, least, most, count } = mebibytes((one) => one.peak);
    const loaded = mebibytes((one) => one.loaded).median;
    const above = mebibytes((one) => one.peak - one.loaded).median;
    return { side, 'peak MiB': peak, least, most, 'libraries alone': loaded, 'above them': above, processes: count };
  });
const [mine, ...theirs] = rows.map((row) => row['peak MiB'] as number);
notes.push('The lower of the two peaks of PyTorch counts. Its libraries are larger in a build with CUDA than in one without.');
printReport(
  {
    bench: 'memory',
    title: `Peak resident memory of ${steps} steps with AdamW, BERT 6 x 384, ${B} x ${T} tokens, dropout 0.1`,
    value: theirs.length > 0 ? rounded(mine! / Math.min(...theirs), 3) : null,
    unit: "x (our peak / PyTorch's)",
    rows,
    notes,
  },
  options.json,
);
process.exit(0);
