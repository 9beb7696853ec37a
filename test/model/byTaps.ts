import * as tf from '@tensorflow/tfjs';
import { openPass } from '../../src/core/gradients';
import type { Batch, Model, Taps, Term, Use } from '../../src/core/types';

/** Every example's gradient of every trainable weight, [B, …shape], put together from taps as plainly as can be. */
export function gradientsByTaps(model: Model, batch: Batch, term: Term): Record<string, tf.Tensor> {
  const uses: Use[] = [];
  const shapes: number[][] = [];
  const record: Taps = (use, output) => {
    uses.push({ ...use, input: tf.keep(use.input.clone()) });
    shapes.push(output.shape);
    return output;
  };
  const run = (taps: Taps) => term(openPass(model, batch, { weights: model.weights, taps }));
  tf.tidy(() => run(record));

  const zeros = shapes.map((shape) => tf.zeros(shape));
  let at = 0;
  const add: Taps = (_, output) => tf.add(output, zeros[at++]!);
  const { grads } = tf.engine().gradients(() => run(add), zeros, undefined, true) as { grads: (tf.Tensor | null)[] };

  const total: Record<string, tf.Tensor> = {};
  const put = (name: string, grad: tf.Tensor) => (total[name] = total[name] ? tf.add(total[name], grad) : grad);
  uses.forEach((use, i) => {
    const dy = grads[i]!;
    const B = dy.shape[0]!;
    const flat = (x: tf.Tensor) => tf.reshape(x, [B, -1, x.shape.at(-1)!]); // [B, T, ·]
    if (use.kind === 'lookup') {
      const height = model.weights[use.weight]!.shape[0]!;
      const ids = tf.equal(tf.expandDims(use.input, -1), tf.range(0, height, 1, 'int32')); // [B, T, V]
      put(use.weight, tf.matMul(tf.cast(ids, 'float32'), flat(dy), true));
      return;
    }
    const product =
      use.kind === 'linear' ? tf.matMul(flat(dy), flat(use.input), true) : tf.sum(tf.mul(flat(dy), flat(use.input)), 1);
    put(use.weight, product);
    if (use.bias !== undefined) put(use.bias, tf.sum(flat(dy), 1));
  });
  uses.forEach(({ input }) => input.dispose());
  return Object.fromEntries(Object.entries(total).filter(([name]) => model.trainable.includes(name)));
}
