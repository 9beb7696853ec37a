import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError, type Labeled, type Term } from '../../src/core';
import { useEngine } from '../../src/engine';
import type { OnnxBackend } from '../../src/engine/backend';
import { crossEntropy } from '../../src/losses';
import { adamW, clipped, fit, type FitOptions } from '../../src/training';
import { valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toy } from '../support/toy';
import { toyBatches, toyRows } from '../support/toyData';

let backend: OnnxBackend;
beforeAll(async () => {
  await useEngine({ engine: 'onnxruntime', threads: 2 });
  backend = tf.backend() as OnnxBackend;
  return async () => void (await tf.setBackend('cpu'));
});

const data = toyBatches(toyRows(22));
type Options = Partial<FitOptions<Labeled>> & { readonly seed: number };

async function train(options: Options) {
  const model = toy({ dropout: 0.2 });
  const optimizer = clipped(adamW({ learningRate: 0.02 }), { norm: 1 });
  const error = await fit(model, { objective: crossEntropy(), data, optimizer, epochs: 2, ...options }).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  const read = Object.entries(model.weights).map(async ([name, weight]) => [name, await valuesOf(weight)] as const);
  const weights = Object.fromEntries(await Promise.all(read));
  optimizer.dispose();
  model.dispose();
  return { error, weights };
}

/** 0, by way of more memory than any machine has: 2⁵³ bytes. Not differentiated: tfjs would make as many ones in JavaScript. */
const endless = ({ labels }: Labeled): tf.Scalar => {
  const large = tf.broadcastTo(tf.reshape(tf.mean(tf.cast(labels, 'float32')), [1, 1]), [2 ** 31 - 1, 2 ** 20]);
  return tf.mul(tf.sum(tf.cumsum(large, 1)), 0);
};

describe('two threads of work at once', () => {
  test('train two models to the bits that each gets alone', async () => {
    const alone = [await train({ seed: 1 }), await train({ seed: 2 })];
    const together = await Promise.all([train({ seed: 1 }), train({ seed: 2 })]);
    expect(together).toEqual(alone);
    expect(alone[0]!.weights).not.toEqual(alone[1]!.weights);
  });

  test(
    'one that fails does not disturb the other',
    scoped(async () => {
      const alone = await train({ seed: 1 });
      const [good, bad] = await Promise.all([
        train({ seed: 1 }),
        train({ seed: 2, objective: (pass) => tf.add(crossEntropy()(pass), endless(pass.batch)) }),
      ]);
      expect(good).toEqual(alone);
      expect(isHoldfastError(bad.error) && bad.error.code).toBe('engine-failed');
    }),
  );
});

describe('a run that fails', () => {
  test(
    'for want of memory names the operation, and the weights are those of the last good step',
    scoped(async () => {
      let calls = 0;
      const objective: Term<Labeled> = (pass) => {
        const loss = crossEntropy()(pass);
        return ++calls === 4 ? tf.add(loss, endless(pass.batch)) : loss;
      };
      const { error, weights } = await train({ seed: 1, objective });
      expect(isHoldfastError(error) && error.code).toBe('engine-failed');
      expect(String(error)).toMatch(/'(BroadcastTo|Cumsum)' of/);
      expect(weights).toEqual((await train({ seed: 1, steps: 3 })).weights);
      expect(backend.stats.pending).toBe(0);
    }),
  );

  test(
    'in a bad graph likewise',
    scoped(async () => {
      let calls = 0;
      const objective: Term<Labeled> = (pass) => {
        const outside = tf.gather(pass.output.pooled, tf.tensor1d([0, 99], 'int32'));
        return ++calls === 2 ? tf.add(crossEntropy()(pass), tf.sum(outside)) : crossEntropy()(pass);
      };
      const { error, weights } = await train({ seed: 1, objective });
      expect(String(error)).toMatch(/'GatherV2'/);
      expect(weights).toEqual((await train({ seed: 1, steps: 1 })).weights);
    }),
  );

  test(
    'when a result is too large leaves what was computed before',
    scoped(async () => {
      const x = tf.tensor1d([1, 2]);
      const y = tf.square(x);
      const large = tf.broadcastTo(tf.reshape(y, [1, 1, 2]), [2 ** 31 - 1, 2 ** 20, 2]);
      await expect(large.data()).rejects.toThrow(/could not run 'BroadcastTo': there is no memory for its result/);
      expect(Array.from(await y.data())).toEqual([1, 4]);
    }),
  );

  test('by an abort leaves weights that train on', async () => {
    const stop = new AbortController();
    const onEvent: FitOptions<Labeled>['onEvent'] = ({ step }) => void (step === 3 && stop.abort());
    const { error, weights } = await train({ seed: 1, signal: stop.signal, onEvent });
    expect(isHoldfastError(error) && error.code).toBe('aborted');
    expect(weights).toEqual((await train({ seed: 1, steps: 3 })).weights);
  });
});
