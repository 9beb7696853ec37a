import * as tf from '@tensorflow/tfjs';
import { badArgument } from '../core/errors';
import { gradientsBy } from '../core/tape';
import type { Batch, Model, Output, Taps, Tensors, Use } from '../core/types';

/** One use of a weight with the gradient of the loss at the use's output (same shape as that output). */
export interface TappedUse {
  readonly use: Use;
  readonly grad: tf.Tensor;
}

/** Vocabulary scores of each example's own N states: [B, N, H] → [B, N, V]. */
export type ScoresOf = (hidden: tf.Tensor3D) => tf.Tensor3D;

/**
 * [B, …] → scalar, **summed** over the examples, not averaged. Scores of the vocabulary come from `scoresOf` and not from
 * `model.tokenLogits`, whose rows belong to no example.
 */
export type SummedLoss<B extends Batch> = (output: Output, batch: B, scoresOf: ScoresOf) => tf.Scalar;

/**
 * Runs the network once, without dropout, and gives every use of the `wanted` weights that the loss depends on, with the gradient at its
 * output. No gradient of a weight is computed: the tape only follows the taps. The tensors are the caller's (inside `tf.tidy`: the scope's).
 *
 * @throws HoldfastError `bad-argument` if the model calls no tap for any wanted weight.
 */
export function tappedUses<B extends Batch>(
  loss: SummedLoss<B>,
  model: Model,
  batch: B,
  { weights, wanted }: { readonly weights?: Tensors; readonly wanted: (name: string) => boolean },
): TappedUse[] {
  const uses: Use[] = [];
  const grads: (tf.Tensor | undefined)[] = [];
  // Every tapped output also depends on this zero, so the tape of `loss` with respect to it passes through all taps and nothing else.
  const origin = tf.scalar(0);
  let heard = 0;
  const taps: Taps = (use, output) => {
    heard++;
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
    const at = weights ? { weights } : {};
    const scoresOf: ScoresOf = (hidden) => {
      const [B, N, H] = hidden.shape;
      const byExample = <T extends tf.Tensor>(flat: T) => flat.reshape<tf.Tensor3D>([B, N, -1]);
      const before = heard;
      const flat = model.tokenLogits(hidden.reshape([B * N, H]), {
        ...at,
        taps: (use, output) => taps({ ...use, input: byExample(use.input) }, byExample(output)).reshape(output.shape),
      }); // [B·N, V]
      if (heard === before)
        throw badArgument('tappedUses', "the model's tokenLogits must pass each use of a weight to options.taps, it calls none.");
      return byExample(flat);
    };
    const run = () => loss(model.forward(batch.inputs, { taps, ...at }), batch, scoresOf);
    const { value } = gradientsBy(run, [origin], () => {});
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
