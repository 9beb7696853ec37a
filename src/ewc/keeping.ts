import * as tf from '@tensorflow/tfjs';
import { HoldfastError, badArgument } from '../core/errors';
import { prefixed, unprefixed } from '../core/prefixed';
import { mapTensors } from '../core/tensors';
import type { Tensors } from '../core/types';

/** Sets of tensors, by kind and then by weight name. */
export type Kept<Kind extends string> = Readonly<Record<Kind, Tensors>>;

/** What a penalty carries from task to task. */
export interface Keeping<Kind extends string> {
  now(): Kept<Kind>;
  /** Takes over `next` and frees what is not in it. */
  replace(next: Kept<Kind>): void;
  /** @throws HoldfastError `disposed` */
  requireOpen(): void;
  /** @throws HoldfastError `bad-argument` for a state that `restore` would refuse */
  requireSaved(state: Tensors): void;
  /** As every penalty has them. */
  readonly saved: {
    /** `KIND.NAME` for every tensor. */
    state(): Tensors;
    /** Takes a copy. */
    restore(state: Tensors): void;
    dispose(): void;
  };
}

/** @param needed the kinds that every weight of a state must have; the others may be absent */
export function keeping<Kind extends string>(
  owner: string,
  kinds: readonly Kind[],
  needed: readonly Kind[] = kinds,
): Keeping<Kind> {
  const eachKind = (of: (kind: Kind) => Tensors) => Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Kept<Kind>;
  const tensorsIn = (kept: Kept<Kind>) => kinds.flatMap((kind) => Object.values(kept[kind]));
  let kept = eachKind(() => ({}));
  let disposed = false;

  const replace = (next: Kept<Kind>) => {
    const staying = new Set(tensorsIn(next).map((tensor) => tf.keep(tensor)));
    tf.dispose(tensorsIn(kept).filter((tensor) => !staying.has(tensor)));
    kept = next;
  };
  const requireOpen = () => {
    if (disposed)
      throw new HoldfastError('disposed', `${owner}: used after dispose(). Make a new one and restore() its saved state.`);
  };
  const within = (state: Tensors) => eachKind((kind) => unprefixed(`${kind}.`, state));
  const requireSaved = (state: Tensors) => {
    const own = within(state);
    for (const name of new Set(kinds.flatMap((kind) => Object.keys(own[kind])))) {
      const lacking = needed.find((kind) => !own[kind][name]);
      if (lacking)
        throw badArgument(owner, `the state of '${name}' lacks '${lacking}.${name}': it is not one that ${owner} saved.`);
      const shapes = kinds.flatMap((kind) => (own[kind][name] ? [`[${own[kind][name].shape.join(', ')}]`] : []));
      if (new Set(shapes).size > 1)
        throw badArgument(owner, `the state of '${name}' does not fit together: ${shapes.join(' and ')}.`);
    }
  };

  return {
    now: () => kept,
    replace,
    requireOpen,
    requireSaved,
    saved: {
      state: () => Object.assign({}, ...kinds.map((kind) => prefixed(`${kind}.`, kept[kind]))) as Tensors,
      restore(state) {
        requireOpen();
        requireSaved(state);
        const own = within(state);
        replace(eachKind((kind) => mapTensors(own[kind], tf.clone)));
      },
      dispose() {
        replace(eachKind(() => ({})));
        disposed = true;
      },
    },
  };
}
