import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import { prefixed, unprefixed } from '../core/prefixed';
import { mapTensors } from '../core/tensors';
import type { Model, Tensors, Updater } from '../core/types';
import type { CapturedState, Keep, Kept } from '../model/capture';
import { isRecord, readJson, sidecarName, weightsName, type Files, type FileSink } from '../model/files';
import { requireSameParts, restoreAll } from '../model/restoreKept';
import { readBytes, readTensorIndex, toFloat32 } from '../model/safetensors';
import { readState, stateNames, stateRecordOf, writeState, type ReadState } from '../model/stateFiles';
import type { TextModel } from '../model/types';
import { safetensorsParts } from '../model/writeSafetensors';
import type { Progress } from './progress';

const format = 1;

/** A run between two steps. The tensors are whoever's they were. */
export interface RunState {
  readonly progress: Progress;
  readonly weights: Tensors;
  readonly optimizer: Tensors;
  /** The best weights so far, where there was an evaluation. */
  readonly best: Tensors;
}

/** A run as it was read, with what was kept with it. */
export interface SavedRun extends RunState {
  readonly kept?: ReadState;
}

/** Writes a run: all its tensors in one safetensors file, what is kept with it in files of its own, and `holdfast.json` last. */
export async function writeCheckpoint(
  { progress, weights, optimizer, best }: RunState,
  kept: CapturedState | undefined,
  sink: FileSink,
): Promise<void> {
  const tensors = { ...prefixed('weights/', weights), ...prefixed('optimizer/', optimizer), ...prefixed('best/', best) };
  const outgoing = Object.entries(tensors).map(([name, tensor]) => ({
    name,
    shape: tensor.shape,
    // Whole numbers (steps, row numbers) are far below 2²⁴, so float32 holds them exactly.
    values: async () => Float32Array.from(await tensor.data()),
  }));
  await sink.write(weightsName, safetensorsParts(outgoing, 'float32'));
  const state = kept && (await writeState(kept, sink));
  const files = [weightsName, ...(state ? stateNames : [])];
  const sidecar = { format, kind: 'checkpoint', files, ...(state && { state }), progress };
  await sink.write(sidecarName, [new TextEncoder().encode(`${JSON.stringify(sidecar, null, 2)}\n`)]);
}

/** Reads what `writeCheckpoint` wrote; the tensors are the caller's. @throws HoldfastError before any tensor is made */
export async function readCheckpoint(files: Files): Promise<SavedRun> {
  const sidecar = await readJson(files, sidecarName);
  if (!sidecar || sidecar['kind'] !== 'checkpoint' || !isRecord(sidecar['progress'])) {
    throw new HoldfastError(
      'bad-config',
      `${files.name} is not a checkpoint of fit: it has no ${sidecarName} that says so. A saved model is opened with loadModel.`,
    );
  }
  if (sidecar['format'] !== format) {
    throw new HoldfastError(
      'newer-format',
      `The checkpoint in ${files.name} has format ${String(sidecar['format'])}, this version reads ${format}: update holdfast.`,
    );
  }
  const tensors: Record<string, tf.Tensor> = {};
  const values = new Map<string, Float32Array>();
  const index = await readTensorIndex(files);
  for (const [name, entry] of index) values.set(name, toFloat32(await readBytes(files, entry), entry.dtype));
  const record = stateRecordOf(sidecar);
  const kept = record && (await readState(files, record));
  for (const [name, { shape }] of index) tensors[name] = tf.tensor(values.get(name)!, [...shape]);
  return {
    progress: sidecar['progress'] as unknown as Progress,
    weights: unprefixed('weights/', tensors),
    optimizer: unprefixed('optimizer/', tensors),
    best: unprefixed('best/', tensors),
    ...(kept && { kept }),
  };
}

export const disposeRun = ({ weights, optimizer, best, kept }: SavedRun): void => {
  tf.dispose([weights, optimizer, best]);
  kept?.dispose();
};

/** Puts a run's weights, its optimizer and what was kept with it back. Nothing changes unless all of it fits. Returns the best weights, kept. */
export async function resumeFrom(
  state: SavedRun,
  model: TextModel,
  { optimizer, keep = {}, resume }: { readonly optimizer: Updater; readonly keep?: Keep; readonly resume: string },
): Promise<Tensors> {
  const parts = state.kept?.parts ?? {};
  // After what was kept, which may say what is trainable: frozen heads, for example.
  const check: Kept = { state: () => ({}), restore: () => requireSameWeights(state.weights, model) };
  try {
    requireSameParts('fit', `the checkpoint in '${resume}'`, Object.keys(parts), keep);
    const kept = Object.entries(keep).map(([name, part]) => ({ name, part, state: parts[name] }));
    const optimized = { name: 'optimizer', part: optimizer, state: state.optimizer };
    await restoreAll([...kept, { name: 'weights', part: check, state: {} }, optimized], model);
    for (const [name, value] of Object.entries(state.weights)) model.weights[name]!.assign(value);
    return mapTensors(state.best, (tensor) => tf.keep(tensor.clone()));
  } finally {
    disposeRun(state);
  }
}

function requireSameWeights(saved: Tensors, { weights, trainable }: Model): void {
  const shapeOf = (tensor: tf.Tensor | undefined) => (tensor ? `[${tensor.shape.join(', ')}]` : 'nothing');
  const issues = [...new Set([...trainable, ...Object.keys(saved)])].flatMap((name) => {
    const [got, want] = [saved[name], trainable.includes(name) ? weights[name] : undefined].map(shapeOf);
    return got === want ? [] : [{ message: `'${name}' is ${got} in the checkpoint and ${want} among the trainable weights` }];
  });
  if (issues.length === 0) return;
  const first = issues[0]!.message;
  throw new HoldfastError(
    'bad-weights',
    `fit: the checkpoint is of another model: ${first}${issues.length > 1 ? ` (and ${issues.length - 1} more)` : ''}.`,
    { issues },
  );
}
