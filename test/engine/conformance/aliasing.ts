import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { adamW } from '../../../src/training';
import { scoped } from '../../support/leaks';

const start = Float32Array.from({ length: 3000 }, (_, i) => Math.sin(i));

/** Clones, variables and averages may share memory with a weight; an update of the weight must not reach them. */
export function aliasing(backend: () => string): void {
  describe('aliasing', () => {
    for (const reads of ['after each step', 'at the end']) {
      test(
        `clones, anchors and averages survive updates, read ${reads}`,
        scoped(async () => {
          await tf.setBackend(backend());
          const initial = tf.tensor2d(start, [60, 50]);
          const weight = tf.variable(initial);
          const anchor = weight.clone();
          const copy = tf.variable(weight);
          const average = tf.variable(weight);
          const flat = tf.reshape(weight, [-1]);
          const optimizer = adamW({ learningRate: 0.1, weightDecay: 0 });
          const history: tf.Tensor[] = [];
          for (let step = 1; step <= 4; step++) {
            const grads = tf.tidy(() => ({ w: tf.mul(weight, step) }));
            optimizer.apply({ w: weight }, grads);
            tf.dispose(grads);
            const next = tf.tidy(() => tf.add(tf.mul(average, 0.5), tf.mul(weight, 0.5)) as tf.Tensor2D);
            average.assign(next);
            next.dispose();
            history.push(weight.clone());
            if (reads === 'after each step') await weight.data();
          }
          const values = await Promise.all(history.map((x) => x.data()));
          for (const untouched of [initial, anchor, copy, flat]) expect(await untouched.data()).toEqual(start);
          expect(await weight.data()).toEqual(values[3]);
          // Each step moved every element by about the learning rate, and the average is the one of what was seen.
          values.forEach((after, i) => expect(after[8]).toBeCloseTo(start[8]! - 0.1 * (i + 1), 1));
          const mean = await average.data();
          for (const at of [0, 8, 2999]) {
            const want = values.reduce((sum, after) => sum / 2 + after[at]! / 2, start[at]!);
            expect(mean[at]).toBeCloseTo(want, 5);
          }
          optimizer.dispose();
        }),
      );
    }

    test(
      'a weight that only it holds is updated just as well',
      scoped(async () => {
        const steps = async (): Promise<Float32Array> => {
          const weight = tf.variable(tf.tensor1d(start));
          const optimizer = adamW({ learningRate: 0.01 });
          for (let step = 0; step < 3; step++) {
            const grads = tf.tidy(() => ({ w: tf.sin(weight) }));
            optimizer.apply({ w: weight }, grads);
            await weight.data();
          }
          optimizer.dispose();
          return (await weight.data()) as Float32Array;
        };
        await tf.setBackend('cpu');
        const want = await steps();
        await tf.setBackend(backend());
        const got = await steps();
        got.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(1e-4));
      }),
    );
  });
}
