import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import type { Labeled } from '../../src/core/types';
import { classMean, consistency, cosineDistance, infoNce, pooledConsistency, wordAlignment, type CodeSwitched, type WordAligned } from '../../src/crosslingual'; // prettier-ignore
import { useEngine } from '../../src/engine/engines';
import { createModel } from '../../src/model/createModel';
import { expectClose, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { describeNative } from '../support/native';
import { toyBatch, toyTokenizer } from '../support/toy';

const objective = sum(
  consistency({ reduction: classMean }),
  pooledConsistency(),
  infoNce(),
  wordAlignment(),
  wordAlignment({ distance: cosineDistance }),
);

/** Loss and gradients of a small BERT as plain numbers. */
async function measured(): Promise<Record<string, number[]>> {
  const config = { model_type: 'bert', vocab_size: 11, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 };
  const shape = { intermediate_size: 12, max_position_embeddings: 8, type_vocab_size: 2, initializer_range: 0.3 };
  const model = createModel({ ...config, ...shape }, { tokenizer: toyTokenizer(11), seed: 3 });
  model.addHead('a', ['x', 'y', 'z'], { seed: 4 });
  const own = toyBatch([[1, 2, 3, 1], [4, 1], [2, 2, 2]], [0, 1, 2]); // prettier-ignore
  const other = toyBatch([[7, 2, 3], [8, 1], [2, 9, 2]], [0, 1, 2]).inputs; // prettier-ignore
  const places = (...at: number[]) => tf.tensor1d(at, 'int32');
  const wordPairs = { sources: places(0, 5, 8), targets: places(0, 4, 7), weights: tf.fill<tf.Rank.R1>([3], 1 / 3) };
  const batch: Labeled & CodeSwitched & WordAligned = { ...own, codeSwitched: other, translation: other, wordPairs };
  const { loss, grads } = gradientsOf(objective, model)(batch);
  const values: Record<string, number[]> = {};
  for (const [key, tensor] of Object.entries({ loss, ...grads })) values[key] = await valuesOf(tensor);
  model.dispose();
  return values;
}

describeNative('cross-lingual terms', () => {
  afterAll(() => tf.setBackend('cpu'));

  test(
    "loss and gradients are those of tfjs's own kernels",
    scoped(async () => {
      await useEngine({ engine: 'onnxruntime' });
      const got = await measured();
      await tf.setBackend('cpu');
      const want = await measured();
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const key in want) await expectClose(got[key]!, want[key]!, { absolute: 2e-5, relative: 2e-4 });
    }),
  );
});
