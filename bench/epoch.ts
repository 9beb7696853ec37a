// One epoch of CLINC150 with MiniLM at real lengths, dropout 0.1, AdamW: ours; PyTorch with the usual random batches, padded to the
// longest text; PyTorch with our batches.
//   npm run bench -- epoch [--json] [--rounds 1] [--rows 15000] [--batch 32] [--segment 10] [--threads N]
// --rounds: epochs. --rows: of CLINC150's 15,000. --segment: batches of a turn. Our time includes tokenising; theirs is tokenised before.
import seedrandom from 'seedrandom';
import { adamW, batches, crossEntropy, fit, loadModel, shuffled, useEngine, type Batches, type Labeled } from '../src';
import { clincTexts, miniLm } from './support/clinc';
import { benchOptions } from './support/options';
import type { Peer } from './support/peer';
import { printReport, type Row } from './support/report';
import { median, rounded, total } from './support/stats';
import { startTorch, type Steps, type Update } from './support/torch';

const options = benchOptions({ rounds: 1, rows: 15000, batch: 32, segment: 10 });
const learningRate = 5e-5;
const { rows: texts, labels } = await clincTexts('epoch', options.rows);
const { because } = await useEngine({ threads: options.threads });
await using model = await loadModel(miniLm);
const head = model.addHead('intent', labels, { seed: 1 });
const numberOf = new Map<unknown, number>(texts.map((text, i) => [text, i]));
const ids = (
  await model.tokenizer.encode(
    texts.map(({ text }) => text),
    { maxLength: model.maxLength },
  )
).map(({ ids }) => ids);

const torch = await startTorch(options.threads);
const notes = [`holdfast: ${because}`, 'absent' in torch ? `PyTorch: absent, ${torch.absent}` : torch.about];

/** What a side did in one turn. */
interface Turn {
  readonly ms: number;
  readonly loss: number;
  readonly batches: readonly (readonly number[])[];
}
const ours: Turn[] = [];
const usual: Turn[] = [];
const theirs: Turn[] = [];

const peer = 'peer' in torch ? torch.peer : undefined;
let update: Update = 'fused';
if (peer) {
  const attention = await faster(peer);
  update = attention.update;
  notes.push(`PyTorch trains with ${attention.name} attention and ${attention.update} AdamW, the faster here on a first look`);
  for (const name of ['usual', 'theirs']) await create(peer, name, attention.name);
}

/** Usual batches of the epoch that are not trained on yet. */
let waiting: number[][] = [];
async function peersTurn(composition: readonly (readonly number[])[]): Promise<void> {
  if (!peer) return;
  const turnOf = async (model: string, some: readonly (readonly number[])[]): Promise<Turn> => {
    const { ms, loss } = await peer.ask<Steps>({ do: 'train', model, data: 'clinc', update, batches: some });
    return { ms: total(ms), loss, batches: some };
  };
  const turns = [
    async () => theirs.push(await turnOf('theirs', composition)),
    async () => usual.push(await turnOf('usual', waiting.splice(0, composition.length))),
  ];
  // Neither of the two always comes right after us.
  for (const turn of ours.length % 2 === 0 ? turns : turns.reverse()) await turn();
}

// `fit` asks for a batch when the last one is done: there its clock stops, and the others have their turn.
const source = batches(texts, { head, batchSize: options.batch });
let losses: number[] = [];
const paced: Batches<Labeled> = {
  async *open(opening) {
    const order = shuffled([...texts.keys()], seedrandom(`usual/${opening.epoch}`));
    waiting = Array.from({ length: Math.ceil(order.length / options.batch) }, (_, b) =>
      order.slice(b * options.batch, (b + 1) * options.batch),
    );
    let began = performance.now();
    let done: number[][] = [];
    const turn = async () => {
      ours.push({ ms: performance.now() - began, loss: total(losses) / losses.length, batches: done });
      await peersTurn(done);
      [done, losses] = [[], []];
      began = performance.now();
    };
    for await (const batch of source.open(opening)) {
      done.push(batch.examples.map((example) => numberOf.get(example)!));
      yield batch;
      if (done.length >= options.segment) await turn();
    }
    if (done.length > 0) await turn();
  },
};
await fit(model, {
  objective: crossEntropy(),
  data: paced,
  optimizer: adamW({ learningRate }),
  epochs: options.rounds,
  seed: 1,
  onEvent: (event) => event.type === 'step' && void losses.push(event.loss),
});
await peer?.close();

/** Share of the tokens that are padding. */
function padding(some: readonly (readonly number[])[]): number {
  const real = total(some.flat().map((i) => ids[i]!.length));
  const all = total(some.map((batch) => batch.length * Math.max(...batch.map((i) => ids[i]!.length))));
  return 1 - real / all;
}

const sides = [
  ['holdfast', ours],
  ['PyTorch, usual batches', usual],
  ['PyTorch, our batches', theirs],
] as const;
const ratioTo = (turns: readonly Turn[]) => total(turns.map(({ ms }) => ms)) / total(ours.map(({ ms }) => ms));
const rows: Row[] = sides
  .filter(([, turns]) => turns.length > 0)
  .map(([side, turns]) => ({
    side,
    'epoch s': rounded(total(turns.map(({ ms }) => ms)) / 1000 / options.rounds, 3),
    'x ours': rounded(ratioTo(turns), 3),
    'median ms per step': rounded(median(turns.map(({ ms, batches: { length } }) => ms / length))),
    'padding %': rounded(100 * padding(turns.flatMap(({ batches }) => batches)), 1),
    'loss, last turn': rounded(turns.at(-1)!.loss, 3),
  }));
for (const [side, turns] of sides.slice(1)) {
  if (turns.length === 0) continue;
  const ratios = turns.map(({ ms, batches: some }, t) => ms / some.length / (ours[t]!.ms / ours[t]!.batches.length));
  notes.push(
    `${side}: median ${median(ratios).toFixed(2)} x our time by turn, ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
  );
}
printReport(
  {
    bench: 'epoch',
    title: `${options.rounds} epoch(s) of ${texts.length} texts of CLINC150, MiniLM, batches of ${options.batch}, dropout 0.1, AdamW; turns of ${options.segment} batches`,
    value: usual.length > 0 ? rounded(ratioTo(usual), 3) : null,
    unit: 'x (time of PyTorch with its usual batches / ours)',
    rows,
    notes,
  },
  options.json,
);
process.exit(0);

function create({ ask }: Peer, name: string, attention: string): Promise<unknown> {
  return ask({ do: 'create', name, attention, classes: labels.length, rate: learningRate, folder: miniLm });
}

/** Tries both kinds of attention and of AdamW on the same few batches; what is trained later starts afresh. */
async function faster(peer: Peer): Promise<{ name: string; update: Update }> {
  const columns = new Map(labels.map((label, i) => [label, i]));
  const { ask } = peer;
  await ask({ do: 'hold_rows', name: 'clinc', ids, labels: texts.map(({ label }) => columns.get(label)!) });
  const some = Array.from({ length: 4 }, (_, b) => [...texts.keys()].slice(b * options.batch, (b + 1) * options.batch)).filter(
    (batch) => batch.length > 0,
  );
  const found: { name: string; update: Update; ms: number }[] = [];
  for (const name of ['sdpa', 'eager']) {
    await create(peer, name, name);
    for (const update of ['default', 'fused'] as const) {
      const { ms } = await ask<Steps>({ do: 'train', model: name, data: 'clinc', update, batches: [...some, ...some] });
      found.push({ name, update, ms: median(ms.slice(some.length)) });
    }
    await ask({ do: 'forget', name });
  }
  return found.sort((a, b) => a.ms - b.ms)[0]!;
}
