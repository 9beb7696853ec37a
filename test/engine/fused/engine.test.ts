import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { createOnnxBackend } from '../../../src/engine/backend';
import { attention, dropout, gelu, layerNorm, linear } from '../../../src/engine/fused';
import { isNative } from '../../../src/engine/fused/native';
import { expectNoLeak } from '../../support/leaks';
import { fusedCases, paddingOf } from '../conformance/cases/fused';
import { make } from '../conformance/recipes';
import { check, outcomeOf } from './support';

beforeAll(async () => {
  await createOnnxBackend({ threads: 2 });
});
afterAll(async () => {
  await tf.setBackend('cpu');
});

const as = <T extends tf.Tensor>(x: tf.Tensor | undefined): T => x as T;

const H = 6;
const step = (B: number, T: number): Promise<unknown> =>
  outcomeOf({
    inputs: [[B, T, H], [H, H], [H], [H]], // prettier-ignore
    compute: (x, w, scale, bias) => {
      const y = gelu(layerNorm(dropout(linear(as<tf.Tensor3D>(x), as(w), as(bias)), 0.1, B + T), as(scale), as(bias), 1e-5));
      return attention(y, y, y, paddingOf(B, T), { heads: 2, dropout: { rate: 0.1, seed: T } });
    },
  });

// What they compute is the conformance suite's; here is how.
describe('fused kernels on onnxruntime', () => {
  check('one compilation serves all batch sizes and lengths', async () => {
    const backend = await createOnnxBackend();
    await tf.setBackend('onnxruntime');
    await step(3, 5);
    const before = backend.stats.compilations;
    for (const [B, T] of [[2, 7], [1, 5], [4, 1], [1, 1], [5, 5]] as const) await step(B, T); // prettier-ignore
    expect(backend.stats.compilations).toBe(before);
    expect(isNative('HoldfastGelu')).toBe(true);
  });

  check('leaves no tensor but its result', async () => {
    for (const engine of ['cpu', 'onnxruntime']) {
      await tf.setBackend(engine);
      await expectNoLeak(async () => {
        await step(3, 5);
        for (const { inputs, f } of Object.values(fusedCases).flat()) {
          const tensors = inputs.map(make);
          const outputs = tf.tidy(() => [f(...tensors)].flat());
          await Promise.all(outputs.map((output) => output.data()));
          tf.dispose([...tensors, ...outputs]);
        }
      });
    }
  });
});
