import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { awp, freelb, pgd, smart, smartCode, vat } from '../../src/adversarial';
import { sum } from '../../src/core/objective';
import { evaluationOf } from '../../src/core/step';
import type { GradientTransform, Labeled, Term } from '../../src/core/types';
import { useEngine } from '../../src/engine/engines';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { rDrop } from '../../src/losses/rDrop';
import { createModel } from '../../src/model/createModel';
import { expectClose, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { describeNative } from '../support/native';
import { toyBatch, toyTokenizer } from '../support/toy';

const runs: Record<string, () => [Term<Labeled>, GradientTransform[]]> = {
  pgd: () => [crossEntropy(), [pgd({ steps: 2 })]],
  'awp around freelb': () => [crossEntropy(), [awp({ gamma: 0.1 }), freelb({ steps: 2, initial: 0.3, maxNorm: 0.5, seed: 2 })]],
  'the terms': () => [
    sum(rDrop(), vat(), smart({ epsilon: 0.1, noise: 0.1, stepSize: 0.1, variant: smartCode })) as Term<Labeled>,
    [],
  ],
};

/** Loss and gradients of a small BERT, by rows, as plain numbers. */
async function measured(name: string): Promise<Record<string, number[]>> {
  const config = { model_type: 'bert', vocab_size: 11, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 };
  const shape = { intermediate_size: 12, max_position_embeddings: 8, type_vocab_size: 2, initializer_range: 0.3 };
  const model = createModel({ ...config, ...shape }, { tokenizer: toyTokenizer(11), seed: 3 });
  model.addHead('a', ['x', 'y', 'z'], { seed: 4 });
  const batch = toyBatch(
    [
      [1, 2, 3, 1],
      [4, 1],
      [2, 2, 2],
    ],
    [0, 1, 2],
    { byRows: true },
  );
  const [objective, transforms] = runs[name]!();
  const { loss, grads } = evaluationOf(model, { objective, transforms })(batch);
  const values: Record<string, number[]> = {};
  for (const [key, tensor] of Object.entries({ loss, ...grads })) values[key] = await valuesOf(tensor);
  model.dispose();
  return values;
}

describeNative('attacks', () => {
  afterAll(() => tf.setBackend('cpu'));

  test.each(Object.keys(runs))("%s: loss and gradients are those of tfjs's own kernels", (name) =>
    scoped(async () => {
      await useEngine({ engine: 'onnxruntime' });
      const got = await measured(name);
      await tf.setBackend('cpu');
      const want = await measured(name);
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const key in want) await expectClose(got[key]!, want[key]!, { absolute: 2e-5, relative: 2e-4 });
    })(),
  );
});
