import { readFile } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { useEngine } from '../../src/engine/engines';
import { softmaxCrossEntropy } from '../../src/engine/fused';
import { loadModel } from '../../src/model';
import { describeShared, sharedPath } from '../support/shared';
import { norm, projection } from './tiny';

// The reference backend takes minutes for a real encoder; its agreement with this one is tested elsewhere.
beforeAll(() => useEngine({ engine: 'onnxruntime' }));

interface Numbers {
  readonly sentences: readonly string[];
  readonly ids: number[][];
  readonly mask: number[][];
  readonly labels: number[];
  /** Every 16th component. */
  readonly hidden: number[][][];
  readonly logits: number[][];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, { readonly norm: number; readonly projection: number }>>;
}

const numbersOf = async (name: string): Promise<Numbers> =>
  JSON.parse(await readFile(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8')) as Numbers;

describe.each(['minilm-en', 'e5-multilingual'])('%s', (name) => {
  describeShared(`models/${name}`, 'computes what PyTorch does', () => {
    test('ids, hidden states, logits, loss, and every gradient by norm and projection', async () => {
      const numbers = await numbersOf(name);
      await using model = await loadModel(sharedPath('models', name), { pooling: 'mean' });
      const tokens = await model.tokenizer.encode(numbers.sentences, { maxLength: 64 });
      expect(tokens.map(({ ids }) => [...ids])).toEqual(
        numbers.ids.map((row, b) => row.filter((_, t) => numbers.mask[b]![t] === 1)),
      );

      model.addHead('fixed', ['a', 'b', 'c']);
      const wave = Float32Array.from({ length: 3 * model.hiddenSize }, (_, i) => Math.cos(i) * 0.1);
      tf.tidy(() => model.weights['classifier.fixed.weight']!.assign(tf.tensor2d(wave, [3, model.hiddenSize])));
      const inputs = { ids: tf.tensor2d(numbers.ids, undefined, 'int32'), mask: tf.tensor2d(numbers.mask) };
      const labels = tf.tensor1d(numbers.labels, 'int32');

      const { hidden, logits, loss, grads } = tf.tidy(() => {
        const batch = { inputs, examples: [] };
        const found = gradientsOf(({ output, report }) => {
          report('hidden', output.hidden);
          report('logits', output.logits);
          return softmaxCrossEntropy(output.logits, labels).mean();
        }, model)(batch);
        return {
          loss: found.loss,
          grads: { ...found.grads },
          hidden: found.reports['hidden']!,
          logits: found.reports['logits']!,
        };
      });

      const states = (await hidden.array()) as number[][][];
      const apart = numbers.hidden.flatMap((row, b) =>
        row.flatMap((state, t) => (numbers.mask[b]![t] === 1 ? state.map((x, i) => Math.abs(x - states[b]![t]![16 * i]!)) : [])),
      );
      expect(Math.max(...apart)).toBeLessThan(1e-4);
      const scores = (await logits.array()) as number[][];
      expect(Math.max(...scores.flatMap((row, b) => row.map((x, c) => Math.abs(x - numbers.logits[b]![c]!))))).toBeLessThan(1e-4);
      expect((await loss.data())[0]).toBeCloseTo(numbers.loss, 5);

      const bad: string[] = [];
      for (const [key, wanted] of Object.entries(numbers.gradients)) {
        const values = await grads[key.slice('grad/'.length)]!.data();
        // A projection adds up differences that the norm does not see.
        const [offNorm, offProjection] = [Math.abs(norm(values) - wanted.norm), Math.abs(projection(values) - wanted.projection)];
        if (offNorm > 1e-6 + 1e-4 * wanted.norm || offProjection > 1e-6 + 3e-4 * wanted.norm)
          bad.push(`${key}: ${offNorm}, ${offProjection} of ${wanted.norm}`);
      }
      expect(bad).toEqual([]);
      expect(Object.keys(numbers.gradients)).toHaveLength(model.trainable.length - 2);
      tf.dispose([inputs, labels, hidden, logits, loss, grads]);
    }, 120_000);
  });
});
