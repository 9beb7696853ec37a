import * as tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { createRng, gradientsOf } from '../../../src/core';
import { scaledMask } from '../../../src/engine/fused/dropout';
import { crossEntropy } from '../../../src/losses';
import { createModel } from '../../../src/model';
import { adamW } from '../../../src/training';
import { scoped } from '../../support/leaks';
import { idTokenizer } from '../../model/tiny';
import { rms, unequal } from './compare';

const sizes = { hidden_size: 24, num_hidden_layers: 2, num_attention_heads: 3, intermediate_size: 40 };
const dropout = { hidden_dropout_prob: 0.1, attention_probs_dropout_prob: 0.1 };
const config = { model_type: 'bert', vocab_size: 50, max_position_embeddings: 16, ...sizes, ...dropout };

/** Loss and all gradients of a batch with dropout, and the loss after three steps of AdamW. */
async function train(): Promise<Record<string, Float32Array>> {
  const model = createModel(config, { tokenizer: idTokenizer(50), seed: 3 });
  model.addHead('task', ['x', 'y', 'z']);
  const optimizer = adamW({ learningRate: 1e-3 });
  const [B, T] = [4, 9];
  const numbers = Array.from({ length: B * T }, (_, i) => i);
  const ids = tf.tensor2d(
    Int32Array.from(numbers, (i) => (i * 7 + 3) % 50),
    [B, T],
    'int32',
  );
  const mask = tf.tensor2d(
    Float32Array.from(numbers, (i) => (i % T < T - 2 * Math.floor(i / T) ? 1 : 0)),
    [B, T],
  );
  const batch = { examples: [], inputs: { ids, mask }, labels: tf.tensor1d([0, 2, 1, 2], 'int32') };
  const gradients = gradientsOf(crossEntropy(), model, createRng(5));
  const found: Record<string, Float32Array> = {};
  for (let step = 0; step < 3; step++) {
    const { loss, grads, rows } = gradients(batch);
    if (step === 0) for (const [name, grad] of Object.entries(grads)) found[name] = (await grad.data()) as Float32Array;
    found[`loss ${step}`] = (await loss.data()) as Float32Array;
    optimizer.apply(model.weights, grads, rows);
  }
  optimizer.dispose();
  model.dispose();
  return found;
}

/** What all of the above adds up to: a small BERT takes steps with dropout. */
export function bertStep(backend: () => string): void {
  test(
    'a BERT step with dropout',
    scoped(async () => {
      await tf.setBackend('cpu');
      const want = await train();
      await tf.setBackend(backend());
      const got = await train();
      expect(Object.keys(got)).toEqual(Object.keys(want));
      expect(Object.keys(want).length).toBeGreaterThan(40);
      const problems = Object.entries(want).flatMap(([name, values]) => {
        const relative = name === 'loss 0' ? 1e-5 : 1e-4;
        return unequal(name, values, got[name]!, relative, rms(values));
      });
      expect(problems).toEqual([]);
    }),
  );

  test(
    'dropout has the same mask, bit for bit',
    scoped(async () => {
      const masks = () => Promise.all([[33, 5, 65], [1], [4, 12, 9, 9]].map((shape, i) => scaledMask(shape, 0.1, 7 + i).data()));
      await tf.setBackend('cpu');
      const want = await masks();
      await tf.setBackend(backend());
      expect(await masks()).toEqual(want);
    }),
  );
}
