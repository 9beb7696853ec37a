import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import { useEngine } from '../../src/engine/engines';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { softPrompt } from '../../src/prompting/softPrompt';
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
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const table = 'bert.embeddings.word_embeddings.weight';
const vectors = 'softPrompt.vectors';

describe('softPrompt', () => {
  test(
    'by hand: vectors that are the words 4 and 5 make of "1 2" the text "1 4 5 2"',
    scoped(async () => {
      const base = toy();
      const prompted = softPrompt(base, { length: 2, from: [4, 5] });
      const [short, long] = [toyBatch([[1, 2]], [0]), toyBatch([[1, 4, 5, 2]], [0])];
      const [got, want] = [prompted.forward(short.inputs), base.forward(long.inputs)];
      await expectClose(got.logits, want.logits);
      await expectClose(got.pooled, want.pooled);
      await expectClose(got.hidden, tf.gather(want.hidden, [0, 3], 1)); // The text's own states.
      const slope = gradientsOf(crossEntropy(), base)(long).grads['embeddings.word_embeddings.weight']!;
      await expectClose(gradientsOf(crossEntropy(), prompted)(short).grads[vectors]!, tf.gather(slope, [4, 5]));
      expect(prompted.maxLength).toBe(base.maxLength - 2);
    }),
  );

  test(
    'a text of one token, and an offset on the text, as an attack adds it',
    scoped(async () => {
      const base = toy();
      const prompted = softPrompt(base, { length: 2, from: [4] });
      const one = prompted.forward(toyBatch([[1]], [0]).inputs);
      expect(one.hidden.shape).toEqual([1, 1, 6]);
      await expectClose(one.logits, base.forward(toyBatch([[1, 4, 4]], [0]).inputs).logits);
      const [short, long] = [toyBatch([[1, 2]], [0]), toyBatch([[1, 4, 4, 2]], [0])];
      const offset = tf.randomNormal<tf.Rank.R3>([1, 2, 6], 0, 1, 'float32', 3);
      const wide = tf.concat([tf.slice(offset, [0, 0, 0], [1, 1, 6]), tf.zeros([1, 2, 6]), tf.slice(offset, [0, 1, 0])], 1);
      const got = gradientsOf(crossEntropy(), prompted)({ ...short, inputs: { ...short.inputs, offset } });
      const want = gradientsOf(crossEntropy(), base)({ ...long, inputs: { ...long.inputs, offset: wide as tf.Tensor3D } });
      await expectClose(got.loss, want.loss);
      await expectClose(got.offset!, tf.gather(want.offset!, [0, 3], 1));
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const prompted = softPrompt(await tinyBert(), { length: 3 });
      put(prompted, torch.softPrompt.weights);
      await expectGradient(crossEntropy(), prompted, torchBatch(), { weights: [vectors], entries: 2 });
    }),
  );

  test(
    'PyTorch: logits, loss, gradients; of the table too, whole and by rows',
    scoped(async () => {
      await expectTorch(softPrompt(await tinyBert(), { length: 3 }), torch.softPrompt);
      const all = softPrompt(await tinyBert(), { length: 3, trainable: () => true });
      put(all, torch.softPrompt.weights);
      for (const byRows of [false, true]) {
        const { grads, rows } = gradientsOf(crossEntropy(), all)(torchBatch(byRows));
        expect(Object.keys(rows)).toEqual(byRows ? [table] : []);
        const slope = denseGradients(grads, rows, all.weights)[table]!;
        await expectClose(tf.gather(slope, [1]), torch.softPrompt.first, { absolute: 1e-5 });
        await expectClose(tf.gather(slope, [12]), torch.softPrompt.word, { absolute: 1e-5 });
      }
    }),
  );

  test(
    'squared gradients are those of one example at a time, frozen and not',
    scoped(async () => {
      for (const trainable of [undefined, (name: string) => name === table || name.startsWith('classifier.')]) {
        const prompted = softPrompt(await tinyBert(), { length: 3, ...(trainable && { trainable }) });
        put(prompted, torch.softPrompt.weights);
        await expectPerExample(prompted);
      }
    }),
  );

  describe('limits', () => {
    test(
      'without vectors it is the model, bit for bit',
      scoped(async () => {
        const base = await tinyBert();
        const none = softPrompt(base, { length: 0 });
        expect(none.trainable).toEqual(['classifier.default.weight', 'classifier.default.bias']);
        const { inputs } = torchBatch();
        await expectSameBits(none.forward(inputs).logits, base.forward(inputs).logits);
      }),
    );

    test(
      'one step leaves the model as it was; drawn vectors are words of the vocabulary, the same for a seed',
      scoped(async () => {
        const base = await tinyBert();
        const [one, same, other] = [1, 1, 2].map((seed) => softPrompt(base, { length: 4, seed }));
        const start = await valuesOf(one!.weights[vectors]!);
        expect(await valuesOf(same!.weights[vectors]!)).toEqual(start);
        expect(await valuesOf(other!.weights[vectors]!)).not.toEqual(start);
        const words = await valuesOf(base.weights[table]!);
        expect(
          words.some((_, i) => i % 16 === 0 && i >= 4 * 16 && start.slice(0, 16).every((value, h) => value === words[i + h])),
        ).toBe(true);
        await oneStep(one!, torchBatch());
        expect(await valuesOf(base.weights[table]!)).toEqual(words);
        expect(await valuesOf(one!.weights[vectors]!)).not.toEqual(start);
      }),
    );
  });

  test(
    'a state is the vectors and the heads; half of one is refused and changes nothing',
    scoped(async () => {
      const [one, other] = [softPrompt(await tinyBert(), { length: 3 }), softPrompt(await tinyBert(), { length: 3, seed: 9 })];
      expect(Object.keys(one.state()).sort()).toEqual([...one.trainable].sort());
      await expectState(one, other, vectors);
    }),
  );

  test('leaves no tensor; bad arguments and a use after dispose are refused', async () => {
    const base = toy();
    await expectNoLeak(async () => {
      const prompted = softPrompt(base, { length: 2 });
      await oneStep(prompted, toyBatch([[1, 2]], [0]));
      prompted.dispose();
    });
    expect(() => softPrompt(base, { length: 15 })).toThrow('softPrompt: length must be a whole number from 0 to 14, got 15');
    expect(() => softPrompt(base, { from: [11], length: 1 })).toThrow(
      'each id in from must be a whole number from 0 to 10, got 11',
    );
    const prompted = softPrompt(base, { length: 1 });
    expect(() => softPrompt(prompted, { length: 1 })).toThrow('the model has weights of softPrompt already');
    prompted.dispose();
    expect(() => prompted.state()).toThrow('softPrompt: used after dispose()');
    base.dispose();
  });
});

describeSmall('softPrompt on holdfast-small and its engine', (folder) => {
  beforeAll(async () => {
    await useEngine({ engine: 'onnxruntime' });
  });

  test(
    'the engine too computes what PyTorch does',
    scoped(async () => expectTorch(softPrompt(await tinyBert(), { length: 3 }), torch.softPrompt)),
  );

  test('learns, and the model stays as it is', { timeout: 240_000 }, async () => {
    await expectToLearn(folder, (model) => softPrompt(model, { length: 8, seed: 1 }), 3e-2);
  });
});
