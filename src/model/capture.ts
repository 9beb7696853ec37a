import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { putTogether, takingApart, type Leaf } from './keptNumbers';
import type { TextModel } from './types';

/**
 * Something that holds what training goes on from: a penalty, a memory, an optimizer, a table of results. Its state is plain JSON with tensors
 * (float32, int32, bool) and typed arrays anywhere within; a `restore` that fails leaves it as it was.
 */
export type Kept = { restore(state: never, model: TextModel): unknown } & ({ state(): unknown } | { toJSON(): unknown });

/** By names of the caller's choice: letters, digits, `-` and `_`, beginning with a letter. */
export type Keep = Readonly<Record<string, Kept>>;

/** The states of one moment. The leaves are its own. */
export interface CapturedState {
  /** By name, with markers where the leaves were. */
  readonly parts: Readonly<Record<string, unknown>>;
  readonly leaves: ReadonlyMap<string, Leaf>;
  dispose(): void;
}

/**
 * The states of all parts, as they are at the moment of the call; of those that must be awaited, as they are then.
 *
 * @throws HoldfastError `bad-argument` for a bad name, for what is not `Kept`, and for a state that cannot be saved
 */
export async function capture(owner: string, keep: Keep): Promise<CapturedState> {
  requireKeep(owner, keep);
  const parts: Record<string, unknown> = Object.fromEntries(Object.keys(keep).map((name) => [name, undefined]));
  const leaves = new Map<string, Leaf>();
  const dispose = () => tf.dispose([...leaves.values()].filter((leaf) => leaf instanceof tf.Tensor));
  const takeApart = takingApart(leaves);
  try {
    const waiting: [string, PromiseLike<unknown>][] = [];
    for (const [name, part] of Object.entries(keep)) {
      const state = 'state' in part ? part.state() : part.toJSON();
      if (isPromise(state)) {
        // Where an earlier one fails nobody awaits this one, and its own failure would end the process.
        state.then(undefined, () => {});
        waiting.push([name, state]);
      } else parts[name] = takeApart(state, name);
    }
    for (const [name, state] of waiting) parts[name] = takeApart(await state, name);
  } catch (error) {
    dispose();
    throw error;
  }
  return { parts, leaves, dispose };
}

/** A part's state as it was; the tensors stay the capture's. */
export const stateIn = ({ parts, leaves }: CapturedState, name: string): unknown =>
  putTogether(parts[name], (leaf) => leaves.get(leaf)!);

/** @throws HoldfastError `bad-argument` */
export function requireKeep(owner: string, keep: Keep): void {
  const has = (part: Partial<Record<string, unknown>>, method: string) => typeof part[method] === 'function';
  for (const [name, part] of Object.entries(keep)) {
    if (!/^[A-Za-z][\w-]*$/.test(name))
      throw badArgument(owner, `'${name}' in keep must be a name of letters, digits, - and _, beginning with a letter`);
    const methods = part as unknown as Record<string, unknown> | undefined;
    if (!methods || !has(methods, 'restore') || !(has(methods, 'state') || has(methods, 'toJSON')))
      throw badArgument(owner, `'${name}' in keep must have state() and restore(state), as ewc() and replay() have`);
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
