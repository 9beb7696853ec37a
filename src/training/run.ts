import { badArgument } from '../core/errors';
import { createRng } from '../core/rng';
import { evaluationOf } from '../core/step';
import type { Batch, GradientFn, Rng, Tensors } from '../core/types';
import { capture } from '../model/capture';
import type { TextModel } from '../model/types';
import { disposeRun, readCheckpoint, resumeFrom, writeCheckpoint } from './checkpoint';
import type { FitEvent } from './events';
import type { FitOptions } from './fitOptions';
import { startOf, type Progress } from './progress';

/** A training under way. */
export interface Run<B extends Batch> {
  readonly model: TextModel;
  readonly options: FitOptions<B>;
  readonly rng: Rng;
  readonly gradient: GradientFn<B>;
  progress: Progress;
  /** The best weights so far, kept; empty before the first evaluation. */
  best: Tensors;
}

/** Starts a run, or goes on with the one in `resume`. The best weights are the caller's to dispose. */
export async function openRun<B extends Batch>(model: TextModel, options: FitOptions<B>): Promise<Run<B>> {
  const { resume, seed } = options;
  let progress = startOf(seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!);
  let best: Tensors = {};
  if (resume !== undefined) {
    const { openFolder } = await import('../model/folder');
    const state = await readCheckpoint(await openFolder(resume));
    if (seed !== undefined && seed !== state.progress.seed) {
      disposeRun(state);
      throw badArgument(
        'fit',
        `seed is ${seed}, but the run in '${resume}' began with ${state.progress.seed}: leave seed out to resume`,
      );
    }
    best = await resumeFrom(state, model, { ...options, resume });
    progress = state.progress;
  }
  const rng = createRng(progress.seed, progress.draws);
  return { model, options, rng, gradient: evaluationOf(model, { ...options, rng }), progress, best };
}

/** Writes where the run stands now. */
export async function saveRun<B extends Batch>(run: Run<B>, folder: string): Promise<void> {
  const { model, options, progress, best } = run;
  const began = performance.now();
  const { replaceFolder } = await import('../model/folder');
  const weights = Object.fromEntries(model.trainable.map((name) => [name, model.weights[name]!]));
  // Before the optimizer's own, which are the last ones that it made: it may be among the parts as well.
  const kept = options.keep && (await capture('fit', options.keep));
  try {
    const optimizer = await options.optimizer.state();
    await replaceFolder(folder, (sink) => writeCheckpoint({ progress, weights, optimizer, best }, kept, sink));
  } finally {
    kept?.dispose();
  }
  const { step, epoch } = progress;
  emit(run, { type: 'checkpoint', step, epoch, folder, milliseconds: performance.now() - began });
}

export const emit = <B extends Batch>({ options }: Run<B>, event: FitEvent): void => options.onEvent?.(event);
