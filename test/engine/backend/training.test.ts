import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxBackend, type OnnxBackend, type RunnerName } from '../../../src/engine/backend';
import { composed, defineFused, type Fused, idsOf, lossAndGradients, makeWeights } from './bert';

const sizes = { layers: 2, hidden: 32, heads: 4, inner: 64, vocabulary: 60, positions: 16 };
type Values = Record<string, Float32Array>;

async function evaluate(fused: Fused, batch: readonly [number, number]): Promise<Values> {
  const initial = makeWeights(sizes);
  const variables = Object.fromEntries(Object.entries(initial).map(([name, tensor]) => [name, tf.variable(tensor)]));
  const ids = idsOf(...batch, sizes.vocabulary);
  const { loss, grads } = lossAndGradients(variables, sizes, ids, fused);
  const values: Values = { loss: (await loss.data()) as Float32Array };
  for (const [name, grad] of Object.entries(grads)) values[name] = (await grad.data()) as Float32Array;
  tf.dispose([initial, variables, ids, loss, grads] as never);
  return values;
}

function expectClose(actual: Values, wanted: Values): void {
  for (const [name, values] of Object.entries(wanted)) {
    const relative = name === 'loss' ? 1e-5 : 1e-4;
    const bad = values.findIndex((value, i) => !(Math.abs(value - actual[name]![i]!) <= 2e-6 + relative * Math.abs(value)));
    expect(bad < 0 ? '' : `${name}[${bad}]: ${actual[name]![bad]}, wanted ${values[bad]}`).toBe('');
  }
}

let reference: Values;
beforeAll(async () => {
  await tf.setBackend('cpu');
  reference = await evaluate(composed, [3, 8]);
});

async function start(runner: RunnerName): Promise<OnnxBackend> {
  const backend = await createOnnxBackend({ runner, threads: 1 });
  await tf.setBackend('onnxruntime');
  return backend;
}

describe.each(['node', 'web', 'capi'] as const)('on the %s runner', (runner) => {
  beforeAll(() => start(runner));
  afterAll(() => tf.removeBackend('onnxruntime'));

  test('a small BERT has the loss and the gradients that it has on cpu', async () => {
    expectClose(await evaluate(composed, [3, 8]), reference);
    expectClose(await evaluate(defineFused(), [3, 8]), reference);
  });
});

test('batches of all shapes share a compilation, and get the results of their own one', async () => {
  const backend = await start('capi');
  const fused = defineFused();
  const shapes = [
    [3, 8],
    [2, 5],
    [5, 16],
    [1, 7],
    [4, 12],
  ] as const;
  const shared: Values[] = [];
  for (const shape of shapes) shared.push(await evaluate(fused, shape));
  // A batch of one has fewer reductions to do.
  expect(backend.stats.compilations).toBeLessThanOrEqual(2);
  for (const [i, shape] of shapes.entries()) {
    await backend.releaseSessions();
    const own = await evaluate(fused, shape);
    for (const [name, values] of Object.entries(own)) expect(shared[i]![name], name).toEqual(values);
  }
  tf.removeBackend('onnxruntime');
});
