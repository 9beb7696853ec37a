import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import seedrandom from 'seedrandom';
import { progressBar } from '../../examples/support/progressBar';
import { train } from '../../examples/support/train';
import {
  batches,
  crossEntropy,
  loadModel,
  shuffled,
  simcse,
  type Batch,
  type Batches,
  type Example,
  type PretrainedModel,
  type Term,
} from '../../src';
import { entailmentLabels, maskedLm, maskTokens, nliRows } from '../../src/prompting';

/** Training that comes before the few labels, once for all runs. */
export interface StageData {
  readonly rows: readonly Example[];
  readonly epochs: number;
  /** The trained models lie here, so each is trained once. */
  readonly cache: string;
}

interface Lesson<B extends Batch> {
  readonly batchSize: number;
  readonly objective: Term<B>;
  readonly data: Batches<B>;
  readonly rates: readonly [learningRate: number, headRate: number];
}

/** Longer texts are cut: few are. */
const maxLength = 64;

/** The first stage of EFL: the folder of the model with a head that knows inference. */
export const inferenceModel = (folder: string, stage: StageData): Promise<string> =>
  staged(folder, '', stage, (model) => {
    const head = model.addHead('entailment', entailmentLabels, { seed: 1 });
    // The file has one source after the other.
    const source = nliRows(shuffled([...stage.rows], seedrandom('inference')));
    const batchSize = 32;
    return { batchSize, objective: crossEntropy(), data: batches(source, { head, batchSize, maxLength }), rates: [5e-5, 1e-3] };
  });

/** Gaps filled in texts of the task without labels. */
export const afterMaskedLm = (folder: string, stage: StageData): Promise<string> =>
  staged(folder, 'mlm-', stage, () => {
    const batchSize = 32;
    return {
      batchSize,
      objective: maskedLm(),
      data: maskTokens(batches(stage.rows, { batchSize, maxLength })),
      rates: [1e-4, 1e-4],
    };
  });

/** Texts of the task without labels told from each other. */
export const afterSimcse = (folder: string, stage: StageData): Promise<string> =>
  staged(folder, 'simcse-', stage, () => {
    const batchSize = 64;
    return { batchSize, objective: simcse(), data: batches(stage.rows, { batchSize, maxLength }), rates: [3e-5, 3e-5] };
  });

/** The folder of the model after a stage. It goes on where it was stopped. */
async function staged<B extends Batch>(
  folder: string,
  kind: string,
  { rows, epochs, cache }: StageData,
  lessonOf: (model: PretrainedModel) => Lesson<B>,
): Promise<string> {
  const target = path.join(cache, `${kind}${path.basename(folder)}-${rows.length}x${epochs}`);
  if (existsSync(path.join(target, 'holdfast.json'))) return target;
  await using model = await loadModel(folder, { pooling: 'mean' });
  const { batchSize, objective, data, rates } = lessonOf(model);
  const checkpoint = `${target}-unfinished`;
  const steps = epochs * Math.ceil(rows.length / batchSize);
  const bar = progressBar(`${path.basename(target)}: ${steps} steps`, steps);
  let done = 0;
  const began = performance.now();
  const onEvent = ({ type }: { type: string }) => {
    if (type !== 'step') return;
    bar.step();
    if (++done !== 20) return;
    const minutes = ((performance.now() - began) / 20 / 60_000) * steps;
    console.error(`20 steps say: about ${Math.ceil(minutes)} minutes for all ${steps}`);
  };
  const going = { checkpoint: { folder: checkpoint, everySteps: 50 }, ...(existsSync(checkpoint) && { resume: checkpoint }) };
  try {
    await train(model, { objective, data, epochs, seed: 1, onEvent, ...going }, ...rates);
  } finally {
    bar.end();
  }
  await model.save(target);
  rmSync(checkpoint, { recursive: true, force: true });
  return target;
}
