import type { FileSink } from './files';
import { writeModel, type SaveOptions, type Snapshot } from './save';

/** Writes a model to a sink, or to a folder on disk; the latter is Node's and is loaded only then. */
export async function saveTo(target: string | FileSink, snapshot: Snapshot, options?: SaveOptions): Promise<void> {
  if (typeof target !== 'string') return writeModel(snapshot, target, options);
  const { replaceFolder } = await import('./folder');
  await replaceFolder(target, (sink) => writeModel(snapshot, sink, options));
}
