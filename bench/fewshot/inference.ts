import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import seedrandom from 'seedrandom';
import { progressBar } from '../../examples/support/progressBar';
import { train } from '../../examples/support/train';
import { batches, crossEntropy, loadModel, shuffled, type Example } from '../../src';
import { entailmentLabels, nliRows } from '../../src/prompting';

export interface InferenceStage {
  readonly rows: readonly Example[];
  readonly epochs: number;
  /** The trained models lie here, so each is trained once. */
  readonly cache: string;
}

const batchSize = 32;
/** Longer pairs are cut: few are. */
const maxLength = 64;

/** The first stage of EFL: the folder of the model with a head that knows inference. It goes on where it was stopped. */
export async function inferenceModel(folder: string, { rows, epochs, cache }: InferenceStage): Promise<string> {
  const target = path.join(cache, `${path.basename(folder)}-${rows.length}x${epochs}`);
  if (existsSync(path.join(target, 'holdfast.json'))) return target;
  await using model = await loadModel(folder, { pooling: 'mean' });
  const head = model.addHead('entailment', entailmentLabels, { seed: 1 });
  const checkpoint = `${target}-unfinished`;
  const steps = epochs * Math.ceil(rows.length / batchSize);
  const bar = progressBar(`${path.basename(folder)}: ${steps} steps on inference rows`, steps);
  let done = 0;
  const began = performance.now();
  const onEvent = ({ type }: { type: string }) => {
    if (type !== 'step') return;
    bar.step();
    if (++done !== 20) return;
    const minutes = ((performance.now() - began) / 20 / 60_000) * steps;
    console.error(`20 steps say: about ${Math.ceil(minutes)} minutes for all ${steps}`);
  };
  // The file has one source after the other.
  const source = nliRows(shuffled([...rows], seedrandom('inference')));
  const data = batches(source, { head, batchSize, maxLength });
  const going = { checkpoint: { folder: checkpoint, everySteps: 50 }, ...(existsSync(checkpoint) && { resume: checkpoint }) };
  try {
    await train(model, { objective: crossEntropy(), data, epochs, seed: 1, onEvent, ...going }, 5e-5, 1e-3);
  } finally {
    bar.end();
  }
  await model.save(target);
  rmSync(checkpoint, { recursive: true, force: true });
  return target;
}
