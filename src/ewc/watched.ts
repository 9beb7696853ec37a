import * as tf from '@tensorflow/tfjs';
import { prefixed, unprefixed } from '../core/prefixed';
import { denseGradients } from '../core/rows';
import { mapTensors } from '../core/tensors';
import type { Tensors, Updater } from '../core/types';
import { weightOf } from '../core/weightOf';
import { heldWeight } from './springs';

/** What a penalty does with the optimizer that it watches. */
export interface Watcher {
  /** Makes the step. Runs inside a tidy: what stays is the watcher's to keep. */
  apply: Updater['apply'];
  state(): Tensors;
  /** Throws for a state that `restore` would refuse. */
  requireSaved(state: Tensors): void;
  restore(state: Tensors): void | Promise<void>;
}

/** The optimizer with watched steps; its state carries the watcher's. A state that either refuses changes neither. */
export const watched = (owner: string, optimizer: Updater, watcher: Watcher): Updater => ({
  ...optimizer,
  apply: (weights, grads, rows) => tf.tidy(() => watcher.apply(weights, grads, rows)),
  async state() {
    return { ...prefixed('optimizer/', await optimizer.state()), ...prefixed(`${owner}/`, watcher.state()) };
  },
  async restore(state) {
    const own = unprefixed(`${owner}/`, state);
    watcher.requireSaved(own);
    await optimizer.restore(unprefixed('optimizer/', state));
    await watcher.restore(own);
  },
});

/** The penalty as the gradient contains it: `strength · importance (w − anchor)`. */
export interface Watching {
  readonly owner: string;
  readonly held: (name: string) => boolean;
  readonly strength: number;
  readonly importance: Tensors;
  readonly anchor: Tensors;
  /** Where a weight is known to have begun. */
  readonly from: Tensors;
}

/** What a step did to the weights that are held. */
export interface WatchedStep {
  /** Where each began: as given, else before this step. */
  readonly from: Tensors;
  /** The gradient g without the penalty's share; rows where the gradient came as rows. */
  readonly slopes: Tensors;
  /** How much the way of each entry lowered the loss, `−g Δw`, in full size. */
  readonly lowered: Tensors;
}

/**
 * One step of the optimizer, and what it did. Call inside a tidy.
 *
 * @throws HoldfastError `bad-argument`, before the step, if a held weight has another shape than is known of it
 */
export function watchedStep(
  optimizer: Updater,
  [weights, grads, rows = {}]: Parameters<Updater['apply']>,
  { owner, held, strength, importance, anchor, from }: Watching,
): WatchedStep {
  const own = Object.fromEntries(Object.entries(grads).filter(([name]) => held(name)));
  const seen = (tensor: tf.Tensor, name: string): tf.Tensor =>
    rows[name] ? tf.gather(tensor, tf.tensor1d(rows[name], 'int32')) : tensor.clone();
  // What is known of another model's weights would not fit, and the step could not be taken back.
  for (const [name, known] of Object.entries({ ...anchor, ...from })) if (own[name]) heldWeight(owner, weights, name, known);
  const start = mapTensors(own, (_, name) => from[name] ?? tf.clone(weightOf(weights, name)));
  const before = mapTensors(own, (_, name) => seen(weightOf(weights, name), name));
  const slopes = mapTensors(own, (grad, name) => {
    if (strength === 0 || !importance[name]) return grad;
    const distance = before[name]!.sub(seen(anchor[name]!, name));
    return grad.sub(distance.mul(seen(importance[name], name)).mul(strength));
  });
  optimizer.apply(weights, grads, rows);
  const gains = mapTensors(slopes, (slope, name) => tf.mul(slope, before[name]!.sub(seen(weightOf(weights, name), name))));
  return { from: start, slopes, lowered: denseGradients(gains, rows, weights) };
}
