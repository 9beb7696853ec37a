import { capture } from './capture';
import type { FileSink } from './files';
import { writeModel, type SaveOptions, type Snapshot } from './save';

/** Writes a model, and what is kept with it, to a sink, or to a folder on disk; the latter is Node's and is loaded only then. */
export async function saveTo(target: string | FileSink, model: Snapshot, { keep, ...options }: SaveOptions = {}): Promise<void> {
  const state = keep && (await capture('save', keep));
  try {
    const snapshot = state ? { ...model, state } : model;
    if (typeof target !== 'string') return await writeModel(snapshot, target, options);
    const { replaceFolder } = await import('./folder');
    await replaceFolder(target, (sink) => writeModel(snapshot, sink, options));
  } finally {
    state?.dispose();
  }
}
