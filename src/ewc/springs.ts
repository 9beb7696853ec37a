import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { mapTensors } from '../core/tensors';
import type { Pass, Tensors } from '../core/types';
import { reportCompeting } from './competing';
import { quadratic } from './quadratic';

/** The default of what a weight penalty holds: a head belongs to its own task. */
export const exceptHeads = (name: string): boolean => !name.startsWith('classifier.');

/** `strength · Σ ½ F ⊙ (w − a)²` over the weights that have an importance F, reported under the owner's name. Without any it is 0. */
export function springs(owner: string, strength: number, pass: Pass, importance: Tensors, anchor: Tensors): tf.Scalar {
  const names = strength === 0 ? [] : Object.keys(importance);
  const each = names.map((name) =>
    quadratic(heldWeight(owner, pass.weights, name, anchor[name]!), anchor[name]!, importance[name]!),
  );
  const value = each.length === 0 ? tf.scalar(0) : tf.addN(each).mul<tf.Scalar>(strength);
  pass.report(owner, value);
  // Only where something is held: what `advised` needs to see classes that a penalty cannot keep.
  if (each.length > 0) reportCompeting(owner, pass);
  return value;
}

/** Copies of the weights named by `importance`, where they are now. Weights are replaced, never written into: a clone is enough. */
export const anchoredAt = (owner: string, weights: Tensors, importance: Tensors): Tensors =>
  mapTensors(importance, (like, name) => tf.clone<tf.Tensor>(heldWeight(owner, weights, name, like)));

/** `share · old + addedShare · added`; what only the new task has is taken whole, what only the old ones had keeps its share. */
export const blended = (old: Tensors, share: number, added: Tensors, addedShare: number): Tensors => ({
  ...mapTensors(old, (before, name) => {
    const faded = before.mul(share);
    return added[name] ? faded.add(added[name].mul(addedShare)) : faded;
  }),
  ...mapTensors(Object.fromEntries(Object.entries(added).filter(([name]) => !old[name])), tf.clone),
});

export function heldWeight(owner: string, weights: Tensors, name: string, { shape }: tf.Tensor): tf.Tensor {
  const weight = weights[name];
  if (weight && tf.util.arraysEqual(weight.shape, shape)) return weight;
  const got = weight ? `has shape [${weight.shape.join(', ')}]` : 'is missing';
  throw badArgument(
    owner,
    `the held weight '${name}' of shape [${shape.join(', ')}] ${got} in the model: restore the state that was saved with this model.`,
  );
}
