import * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { ewc } from '../../src/ewc/ewc';
import { createModel } from '../../src/model/createModel';
import { expectClose, valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { describeNative } from '../support/native';
import { toyBatch, toyTokenizer } from '../support/toy';

/** Two tasks on a small BERT: the penalty's state, value and gradient, as plain numbers. */
async function measured(): Promise<Record<string, number[]>> {
  const config = {
    model_type: 'bert',
    vocab_size: 11,
    hidden_size: 8,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    intermediate_size: 12,
  };
  const model = createModel(
    { ...config, max_position_embeddings: 8, type_vocab_size: 2, initializer_range: 0.3 },
    { tokenizer: toyTokenizer(11), seed: 3 },
  );
  model.addHead('a', ['x', 'y'], { seed: 4 });
  const guard = ewc({ lambda: 10 });
  // More examples than one chunk would take, and two batches of different shape.
  const data = [
    toyBatch(
      [
        [1, 2, 3, 1],
        [4, 1],
        [2, 2, 2],
      ],
      [0, 1, 1],
    ),
    toyBatch([[7, 7]], [0]),
  ];
  for (let task = 0; task < 2; task++) {
    await guard.consolidate(model, data);
    for (const name of model.trainable) model.weights[name]!.assign(model.weights[name]!.add(0.1));
  }
  const { loss, grads } = gradientsOf(guard, model)(data[0]!);
  const named = {
    loss,
    ...guard.state(),
    ...Object.fromEntries(Object.entries(grads).map(([name, grad]) => [`gradient.${name}`, grad])),
  };
  const values: Record<string, number[]> = {};
  for (const [name, tensor] of Object.entries(named)) values[name] = await valuesOf(tensor);
  guard.dispose();
  model.dispose();
  return values;
}

describeNative('ewc', () => {
  afterAll(() => tf.setBackend('cpu'));

  test(
    "Fisher, penalty and gradient are those of tfjs's own kernels",
    scoped(async () => {
      const got = await measured();
      await tf.setBackend('cpu');
      const want = await measured();
      expect(Object.keys(got)).toEqual(Object.keys(want));
      // The gradient of a key's bias is 0 in theory, so its Fisher is rounding, and the mean that rounding weights is nothing to compare.
      for (const name of Object.keys(want).filter((key) => !/^mean.*key\.bias$/.test(key)))
        await expectClose(got[name]!, want[name]!, { absolute: 1e-6, relative: 1e-4 });
    }),
  );
});
