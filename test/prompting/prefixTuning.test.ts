import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import type { Encoded, Taps, Tensors } from '../../src/core/types';
import { useEngine } from '../../src/engine/engines';
import { crossEntropy } from '../../src/losses/crossEntropy';
import type { PretrainedModel } from '../../src/model';
import { lora } from '../../src/prompting/lora';
import { prefixTuning } from '../../src/prompting/prefixTuning';
import {
  expectPerExample,
  expectState,
  expectToLearn,
  expectTorch,
  oneStep,
  put,
  tinyBert,
  torch,
  torchBatch,
} from '../support/adapters';
import { expectClose, expectSameBits, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
import { describeSmall } from '../support/small';
import { toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const layer = 'bert.encoder.layer.0.attention';

/** The inputs and outputs of each linear map, by weight. */
function seen(model: Pick<PretrainedModel, 'forward'>, inputs: Encoded): { readonly into: Tensors; readonly out: Tensors } {
  const [into, out]: Record<string, tf.Tensor>[] = [{}, {}];
  const taps: Taps = (use, output) => {
    [into![use.weight], out![use.weight]] = [tf.keep(use.input.clone()), tf.keep(output.clone())];
    return output;
  };
  void model.forward(inputs, { taps }).hidden; // Computed when it is read.
  return { into: into!, out: out! };
}

describe('prefixTuning', () => {
  test(
    'by hand: queries of zero see the mean of the N + T values',
    scoped(async () => {
      const base = await tinyBert();
      put(base, {
        [`${layer}.self.query.weight`]: Array<number>(256).fill(0),
        [`${layer}.self.query.bias`]: Array<number>(16).fill(0),
      });
      const model = prefixTuning(base, { length: 2 });
      put(model, { 'prefix.0.value': [...Array<number>(16).fill(10), ...Array<number>(16).fill(20)] });
      const { into, out } = seen(model, toyBatch([[1, 12, 2]], [0]).inputs);
      const total = tf.sum(out[`${layer}.self.value.weight`]!, 1).add(30); // Of three tokens and the two of the prefix.
      const mixed = into[`${layer}.output.dense.weight`]!; // [1, T, H]
      for (const t of [0, 1, 2]) await expectClose(tf.slice(mixed, [0, t, 0], [1, 1, 16]), total.div(5), { absolute: 1e-5 });
      tf.dispose([into, out]);
    }),
  );

  test(
    "a prefix that is the text's own keys and values changes nothing",
    scoped(async () => {
      const base = await tinyBert();
      const { inputs } = toyBatch([[1, 11, 12, 13, 2]], [0]);
      const { into, out } = seen(base, inputs);
      const model = prefixTuning(base, { length: 5 });
      for (const l of [0, 1])
        for (const part of ['key', 'value'])
          put(model, { [`prefix.${l}.${part}`]: await valuesOf(out[`bert.encoder.layer.${l}.attention.self.${part}.weight`]!) });
      await expectClose(model.forward(inputs).hidden, base.forward(inputs).hidden, { absolute: 1e-5 });
      tf.dispose([into, out]);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = prefixTuning(await tinyBert(), { length: 3 });
      put(model, torch.prefixTuning.weights);
      await expectGradient(crossEntropy(), model, torchBatch(), { weights: ['prefix.0.key', 'prefix.1.value'], entries: 2 });
    }),
  );

  test(
    'PyTorch: logits, loss, gradients',
    scoped(async () => expectTorch(prefixTuning(await tinyBert(), { length: 3 }), torch.prefixTuning)),
  );

  test(
    'squared gradients are those of one example at a time',
    scoped(async () => {
      const model = prefixTuning(await tinyBert(), { length: 3 });
      put(model, torch.prefixTuning.weights);
      await expectPerExample(model);
    }),
  );

  describe('limits', () => {
    test(
      'without prefix it is the model, bit for bit; with one, dropout is still a function of the seed',
      scoped(async () => {
        const base = await tinyBert();
        const { inputs } = torchBatch();
        await expectSameBits(prefixTuning(base, { length: 0 }).forward(inputs).logits, base.forward(inputs).logits);
        const model = prefixTuning(base, { length: 2 });
        const [one, same, other] = [1, 1, 2].map((seed) => model.forward(inputs, { rng: createRng(seed) }).logits);
        await expectSameBits(one!, same!);
        expect(await valuesOf(other!)).not.toEqual(await valuesOf(one!));
      }),
    );

    test(
      'inside lora: both are trained, the model is not',
      scoped(async () => {
        const base = await tinyBert();
        const trainable = (name: string) => /^(prefix|classifier)\./.test(name);
        const both = lora(prefixTuning(base, { length: 2 }), { rank: 1, trainable });
        const { grads } = gradientsOf(crossEntropy(), both)(torchBatch());
        expect(Object.keys(grads).sort()).toEqual([...both.trainable].sort());
        expect(both.trainable).toHaveLength(2 + 4 + 8);
      }),
    );
  });

  test(
    'a state is the prefixes and the heads; half of one is refused and changes nothing',
    scoped(async () => {
      const [one, other] = [
        prefixTuning(await tinyBert(), { length: 3 }),
        prefixTuning(await tinyBert(), { length: 3, seed: 9 }),
      ];
      expect(Object.keys(one.state()).sort()).toEqual([...one.trainable].sort());
      await expectState(one, other, 'prefix.1.key');
    }),
  );

  test('leaves no tensor; bad arguments and a use after dispose are refused', async () => {
    await using base = await tinyBert();
    await expectNoLeak(async () => {
      const model = prefixTuning(base, { length: 2 });
      await oneStep(model, torchBatch());
      model.dispose();
    });
    expect(() => prefixTuning(base, { length: -1 })).toThrow('prefixTuning: length must be a whole number ≥ 0, got -1');
    const model = prefixTuning(base, { length: 1 });
    model.dispose();
    expect(() => model.state()).toThrow('prefixTuning: used after dispose()');
  });
});

describeSmall('prefixTuning on holdfast-small and its engine', (folder) => {
  beforeAll(async () => {
    await useEngine({ engine: 'onnxruntime' });
  });

  test(
    'the engine too computes what PyTorch does',
    scoped(async () => expectTorch(prefixTuning(await tinyBert(), { length: 3 }), torch.prefixTuning)),
  );

  test('learns, and the model stays as it is', { timeout: 240_000 }, async () => {
    await expectToLearn(folder, (model) => prefixTuning(model, { length: 8, seed: 1 }), 3e-2);
  });
});
