import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/core';
import { listEngines, useEngine } from '../../src/engine';
import { crossEntropy } from '../../src/losses';
import { adamW, averaged, clipped, fit, type FitOptions } from '../../src/training';
import type { Labeled } from '../../src/core';
import { expectEach, valuesOf } from '../support/close';
import { toy } from '../support/toy';
import { toyBatches, toyRows } from '../support/toyData';

const data = toyBatches(toyRows(22));

async function run(options: Partial<FitOptions<Labeled>> = {}, dropout = 0.2) {
  const model = toy({ dropout });
  const optimizer = clipped(averaged(adamW({ learningRate: 0.02 })), { norm: 1 });
  try {
    const outcome = await fit(model, { objective: crossEntropy(), data, optimizer, epochs: 2, seed: 1, ...options }).catch(
      (error: unknown) => error,
    );
    const weights = Object.fromEntries(
      await Promise.all(Object.entries(model.weights).map(async ([name, weight]) => [name, await valuesOf(weight)] as const)),
    );
    return { outcome, weights };
  } finally {
    optimizer.dispose();
    model.dispose();
  }
}

const usable = (await listEngines()).some(({ name, usable }) => name === 'onnxruntime' && usable);

// A lazy engine records a step, and computes it when the loss is read: batches, snapshots and states must live long enough, and no longer.
describe.skipIf(!usable)('fit on onnxruntime', () => {
  let reference: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    reference = await run({}, 0);
    await useEngine({ engine: 'onnxruntime' });
    return async () => void (await tf.setBackend('cpu'));
  });

  test('comes to the same weights as on cpu', async () => {
    const { weights } = await run({}, 0);
    expect(tf.getBackend()).toBe('onnxruntime');
    await expectEach(weights, reference.weights, { absolute: 2e-4 });
  });

  test('gives the same bits from one seed, in parts too', async () => {
    for (const options of [{}, { accumulate: 3 }]) {
      expect((await run(options)).weights).toEqual((await run(options)).weights);
    }
  });

  test('keeps the best weights while it goes on', async () => {
    const values = [1, 0, 0];
    const evaluate = { run: () => Promise.resolve(values.shift()!) };
    expect((await run({ epochs: 3, evaluate })).weights).toEqual((await run({ epochs: 1 })).weights);
  });

  test('goes on after an interruption to the same bits', async () => {
    const folder = path.join(await mkdtemp(path.join(tmpdir(), 'holdfast-')), 'run');
    const stop = new AbortController();
    const { outcome } = await run({
      checkpoint: { folder, everySteps: 4 },
      signal: stop.signal,
      onEvent: ({ step }) => {
        if (step === 5) stop.abort();
      },
    });
    expect(isHoldfastError(outcome) && outcome.code).toBe('aborted');
    expect((await run({ resume: folder })).weights).toEqual((await run()).weights);
    await rm(path.dirname(folder), { recursive: true });
  });

  test('keeps the weights of the last good step', async () => {
    let calls = 0;
    const { outcome, weights } = await run({
      objective: (pass) => (++calls === 4 ? crossEntropy()(pass).mul(NaN) : crossEntropy()(pass)),
    });
    expect(isHoldfastError(outcome) && outcome.message).toContain('loss is NaN at step 4');
    expect(weights).toEqual((await run({ steps: 3 })).weights);
  });
});
