import { HoldfastError, badArgument } from '../core/errors';
import { capture, requireKeep, stateIn, type CapturedState, type Keep, type Kept } from './capture';
import type { Files } from './files';
import { readSidecar } from './sidecar';
import { readState, type StateRecord } from './stateFiles';
import type { TextModel } from './types';

/**
 * Gives everything that was saved with a model its state back, for a model that is loaded already; else `loadModel(folder, { keep })` does
 * both, and makes sure that they are of the same save.
 *
 * All of the files is checked before the first `restore`; if one fails, those before it get back what they held.
 *
 * @param source path of a folder (Node), or its files
 * @param keep the parts under the names they were saved with, all of them
 * @throws HoldfastError `not-found`, `bad-config`, `bad-weights`, `newer-format`; `bad-argument` if `keep` names others than were saved; what a `restore` throws
 * @example
 * const [guard, memory] = [ewc({ lambda: 1e4 }), replay({ perLabel: 10 })];
 * await model.save(files, { keep: { guard, memory } });
 * await restoreKept(files, model, { guard, memory });
 */
export async function restoreKept(source: string | Files, model: TextModel, keep: Keep): Promise<void> {
  requireKeep('restoreKept', keep);
  const files = typeof source === 'string' ? await (await import('./folder')).openFolder(source) : source;
  await restoreFrom('restoreKept', files, (await readSidecar(files))?.state, keep, model);
}

/** As `restoreKept`, from files of which the sidecar was read. */
export async function restoreFrom(
  owner: string,
  files: Files,
  record: StateRecord | undefined,
  keep: Keep,
  model: TextModel,
): Promise<void> {
  requireKeep(owner, keep);
  const state = record && (await readState(files, record));
  try {
    requireSameParts(owner, files.name, Object.keys(state?.parts ?? {}), keep);
    await restoreAll(
      Object.entries(keep).map(([name, part]) => ({ name, part, state: state!.parts[name] })),
      model,
    );
  } finally {
    state?.dispose();
  }
}

/** @throws HoldfastError `bad-argument` unless `keep` has exactly the parts that were saved */
export function requireSameParts(owner: string, where: string, saved: readonly string[], keep: Keep): void {
  const list = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');
  const lacking = Object.keys(keep).filter((name) => !saved.includes(name));
  if (lacking.length > 0) {
    const held = saved.length === 0 ? 'it was saved without keep' : `it was saved with ${list(saved)}`;
    throw badArgument(
      owner,
      `${where} holds no state of ${list(lacking)}: ${held}. Name in keep what was saved, and add the rest afterwards`,
    );
  }
  const unnamed = saved.filter((name) => !Object.hasOwn(keep, name));
  if (unnamed.length > 0)
    throw badArgument(
      owner,
      `${where} also holds the state of ${list(unnamed)}: name it in keep, else the next save would lose it`,
    );
}

export interface Restoring {
  readonly name: string;
  readonly part: Kept;
  readonly state: unknown;
}

/** Restores all parts, or leaves all as they were. */
export async function restoreAll(parts: readonly Restoring[], model: TextModel): Promise<void> {
  const before: { name: string; part: Kept; was: CapturedState }[] = [];
  try {
    for (const { name, part } of parts) before.push({ name, part, was: await capture('restore', { [name]: part }) });
    for (const [i, { part, state }] of parts.entries()) {
      try {
        await part.restore(state as never, model);
      } catch (error) {
        await putBack(before.slice(0, i + 1), model, error);
        throw error;
      }
    }
  } finally {
    for (const { was } of before) was.dispose();
  }
}

async function putBack(
  touched: readonly { name: string; part: Kept; was: CapturedState }[],
  model: TextModel,
  cause: unknown,
): Promise<void> {
  for (const [i, { name, part, was }] of touched.entries()) {
    try {
      await part.restore(stateIn(was, name) as never, model);
    } catch (error) {
      // The one that failed has, as every restore that fails, left itself alone.
      if (i === touched.length - 1) return;
      const reason = error instanceof Error ? error.message : String(error);
      const first = cause instanceof Error ? cause.message : String(cause);
      throw new HoldfastError(
        'bad-argument',
        `${first} Besides, '${name}' could not be put back to what it held (${reason}): make a new one.`,
        { cause },
      );
    }
  }
}
