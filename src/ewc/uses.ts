import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import type { Batch, Model, Output, Tensors, Use } from '../core/types';

/** One use of a weight with the gradient of the loss at the use's output (same shape as that output). */
export interface TappedUse {
  readonly use: Use;
  readonly grad: tf.Tensor;
}

/**
 * Runs the network once, without dropout, and gives every use of the `wanted` weights that the loss depends on, with the gradient at its
 * output. No gradient of a weight is computed: the tape only follows the taps. The tensors are the caller's (inside `tf.tidy`: the scope's).
 *
 * @throws HoldfastError `bad-argument` if the model calls no tap for any wanted weight.
 */
export function tappedUses<B extends Batch>(
  loss: (output: Output, batch: B) => tf.Scalar,
  model: Model,
  batch: B,
  { weights, wanted }: { readonly weights?: Tensors; readonly wanted: (name: string) => boolean },
): TappedUse[] {
  const uses: Use[] = [];
  const grads: (tf.Tensor | undefined)[] = [];
  // Every tapped output also depends on this zero, so the tape of `loss` with respect to it passes through all taps and nothing else.
  const origin = tf.scalar(0);
  const taps = (use: Use, output: tf.Tensor): tf.Tensor => {
    if (!namesOf(use).some(wanted)) return output;
    const index = uses.push({ ...use, input: tf.keep(use.input.clone()) }) - 1;
    const tap = tf.customGrad((...[value]) => ({
      value: (value as tf.Tensor).clone(),
      gradFunc: (dy: tf.Tensor) => {
        grads[index] = tf.keep(dy.clone());
        return [dy.clone(), tf.scalar(0)];
      },
    }));
    return tap(output, origin);
  };
  try {
    const run = () => loss(model.forward(batch.inputs, { taps, ...(weights && { weights }) }), batch);
    const { value } = tf.engine().gradients(run, [origin], undefined, true);
    value.dispose();
    if (uses.length === 0)
      throw badArgument(
        'tappedUses',
        'the model called no tap for these weights: its forward must pass each use to options.taps.',
      );
    return uses.flatMap((use, i) => {
      const grad = grads[i];
      return grad ? [{ use: { ...use, input: use.input.clone() }, grad: grad.clone() }] : [];
    });
  } finally {
    // What was kept beyond the tape's own scope: the caller has clones.
    tf.dispose([origin, uses.map(({ input }) => input), grads.filter((grad) => grad !== undefined)]);
  }
}

export const namesOf = (use: Use): string[] => ('bias' in use && use.bias !== undefined ? [use.weight, use.bias] : [use.weight]);
