import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { compareClassifier, compareMaskedLm } from './compare';
import { architectures, loadTiny, readNumbers, tinyPath } from './tiny';

beforeAll(() => tf.setBackend('cpu'));

describe.each(architectures)('%s computes what PyTorch does', (name) => {
  test('hidden states, logits, loss, every gradient, and each weight after 20 AdamW steps', async () => {
    const model = await loadTiny(name);
    const found = await compareClassifier(model, await readNumbers(tinyPath(name)));
    expect(found.hidden).toBeLessThan(1e-4);
    expect(found.logits).toBeLessThan(1e-4);
    expect(found.loss).toBeLessThan(1e-5);
    expect(found.badGradients).toEqual([]);
    expect(found.badChanges).toEqual([]);
    // Every parameter that had a gradient there was compared.
    expect(found.compared.sort()).toEqual([...model.trainable].sort());
    model.dispose();
  });

  test('masked-language scores, and gradients through the tied table', async () => {
    const model = await loadTiny(`${name}-mlm`);
    const found = await compareMaskedLm(model, await readNumbers(tinyPath(`${name}-mlm`)));
    expect(found.logits).toBeLessThan(1e-4);
    expect(found.loss).toBeLessThan(1e-5);
    expect(found.badGradients).toEqual([]);
    expect(found.compared.sort()).toEqual([...model.trainable].sort());
    model.dispose();
  });
});
