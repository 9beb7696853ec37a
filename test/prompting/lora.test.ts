import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createRng } from '../../src/core/rng';
import { useEngine } from '../../src/engine/engines';
import { ewc } from '../../src/ewc/ewc';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { loadModel, memoryFiles, restoreKept } from '../../src/model';
import { lora, loraOf } from '../../src/prompting/lora';
import { evaluate } from '../../src/training/evaluate';
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
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
import { anyInputs } from '../support/given';
import { describeSmall } from '../support/small';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const query = 'bert.encoder.layer.0.attention.self.query.weight';
const { rank, alpha } = torch.lora;
const dense = { rank: 1, alpha: 2, weights: (name: string) => name === 'dense.weight' };

describe('lora', () => {
  test(
    'by hand: W + 3 · (2, ½)ᵀ (1, −1)',
    scoped(async () => {
      const updated = loraOf(tf.tensor2d([[1, 2], [3, 4]]), tf.tensor2d([[1, -1]]), tf.tensor2d([[2], [0.5]]), 3); // prettier-ignore
      await expectClose(updated, [7, -4, 4.5, 2.5]);
    }),
  );

  test(
    'a matrix that is used twice gets α / r · B A in both uses',
    scoped(async () => {
      const [base, other, batch] = [toy(), toy(), toyBatch([[1, 2, 3]], [0])];
      const adapter = lora(base, dense);
      const b = [0.3, -0.2, 0.5, 0, 0.1, -0.4];
      put(adapter, { 'lora.dense.weight.b': b });
      const product = tf.matMul(tf.tensor2d(b, [6, 1]), adapter.weights['lora.dense.weight.a'] as tf.Tensor2D);
      other.weights['dense.weight']!.assign(tf.add(other.weights['dense.weight']!, product.mul(2)));
      await expectClose(adapter.forward(batch.inputs).logits, other.forward(batch.inputs).logits);
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const adapter = lora(await tinyBert(), { rank, alpha });
      put(adapter, torch.lora.weights);
      const weights = [`lora.${query}.a`, `lora.${query}.b`];
      await expectGradient(crossEntropy(), adapter, torchBatch(), { weights, entries: 2 });
    }),
  );

  test(
    'PyTorch: logits, loss, gradients; a batch by rows gives the same',
    scoped(async () => {
      const adapter = lora(await tinyBert(), { rank, alpha });
      await expectTorch(adapter, torch.lora);
      const [plain, byRows] = [false, true].map((rows) => gradientsOf(crossEntropy(), adapter)(torchBatch(rows)));
      expect(byRows!.rows).toEqual({});
      for (const name in plain!.grads) await expectSameBits(byRows!.grads[name]!, plain!.grads[name]!);
    }),
  );

  test(
    'squared gradients are those of one example at a time',
    scoped(async () => {
      const adapter = lora(await tinyBert(), { rank, alpha });
      put(adapter, torch.lora.weights);
      await expectPerExample(adapter);
    }),
  );

  test(
    'ewc holds the adapters; vocabulary scores go through an adapted head',
    scoped(async () => {
      const adapter = lora(toy(), dense);
      put(adapter, { 'lora.dense.weight.b': [0.3, -0.2, 0.5, 0, 0.1, -0.4] });
      const guard = ewc({ lambda: 2 });
      await guard.consolidate(adapter, [toyBatch([[1, 2, 3], [4, 5]], [0, 2])]); // prettier-ignore
      expect(Object.keys(guard.state()).filter((name) => /fisher/i.test(name) && name.includes('lora.'))).toHaveLength(2);
      put(adapter, { 'lora.dense.weight.b': [1, 1, 1, 1, 1, 1] });
      const { loss, grads } = gradientsOf(guard, adapter)(toyBatch([[1]], [0]));
      expect(await valueOf(loss)).toBeGreaterThan(0);
      expect(Object.keys(grads).sort()).toEqual(['lora.dense.weight.a', 'lora.dense.weight.b']);
      guard.dispose();

      const base = await tinyBert();
      base.addMaskedLmHead({ seed: 1 });
      const transform = 'cls.predictions.transform.dense.weight';
      const scoring = lora(base, { rank: 1, weights: (name) => name === transform });
      const hidden = tf.ones<tf.Rank.R2>([1, 16]);
      await expectSameBits(scoring.tokenLogits(hidden), base.tokenLogits(hidden));
      put(scoring, { [`lora.${transform}.b`]: Array<number>(16).fill(0.5) });
      const scores = scoring.tokenLogits(hidden);
      scoring.merge();
      await expectClose(base.tokenLogits(hidden), scores, { absolute: 1e-5 });
      scoring.dispose();
    }),
  );

  describe('limits', () => {
    test(
      'at the start, and with α = 0, it is the model bit for bit, dropout too',
      scoped(async () => {
        const base = await tinyBert();
        const { inputs } = torchBatch();
        const [fresh, none] = [lora(base, { seed: 3 }), lora(base, { rank, alpha: 0 })];
        put(none, torch.lora.weights);
        for (const model of [fresh, none]) {
          await expectSameBits(model.forward(inputs).logits, base.forward(inputs).logits);
          await expectSameBits(
            model.forward(inputs, { rng: createRng(7) }).hidden,
            base.forward(inputs, { rng: createRng(7) }).hidden,
          );
        }
        const [a] = await valuesOf(fresh.weights[`lora.${query}.a`]!);
        expect(a).not.toBe(0);
        expect((await valuesOf(lora(base, { seed: 3 }).weights[`lora.${query}.a`]!))[0]).toBe(a);
      }),
    );

    test(
      'one step changes adapters and heads alone, a head of later too',
      scoped(async () => {
        const base = await tinyBert();
        const adapter = lora(base);
        expect(adapter.trainable.filter((name) => !name.startsWith('lora.'))).toEqual([
          'classifier.default.weight',
          'classifier.default.bias',
        ]);
        expect(adapter.trainable).toHaveLength(2 + 8);
        base.addHead('later', ['x', 'y'], { seed: 1 });
        expect(adapter.classCount).toBe(5);
        const before = new Map(
          await Promise.all(Object.entries(adapter.weights).map(async ([name, w]) => [name, await valuesOf(w)] as const)),
        );
        await oneStep(adapter, torchBatch());
        const changed: string[] = [];
        for (const [name, weight] of Object.entries(adapter.weights))
          if (JSON.stringify(await valuesOf(weight)) !== JSON.stringify(before.get(name))) changed.push(name);
        // B is zero, so A has no slope yet.
        expect(changed.sort()).toEqual(adapter.trainable.filter((name) => !name.endsWith('.a')).sort());
        const everything = lora(await tinyBert(), { trainable: () => true });
        expect(everything.trainable.length).toBe(Object.keys(everything.weights).length);
      }),
    );
  });

  describe('merge', () => {
    test(
      'the model computes what the adapter did, is saved so, and gets its bits back',
      scoped(async () => {
        const base = await tinyBert();
        const adapter = lora(base, { rank, alpha });
        put(adapter, torch.lora.weights);
        const { inputs } = torchBatch();
        const [plain, own] = [base.forward(inputs).logits, await valuesOf(base.weights[query]!)];
        adapter.merge();
        adapter.merge();
        await expectClose(base.forward(inputs).logits, torch.lora.logits, { absolute: 1e-5, relative: 1e-5 });
        await expectSameBits(adapter.forward(inputs).logits, base.forward(inputs).logits);
        expect(adapter.trainable).toEqual(['classifier.default.weight', 'classifier.default.bias']);
        expect(() => adapter.state()).toThrow(
          "state() is of the model's own matrices, but these are merged: call unmerge() before",
        );
        expect(() => adapter.restore({})).toThrow('call unmerge() before');
        const [served, apart] = [memoryFiles(), memoryFiles()];
        await base.save(served);
        adapter.unmerge();
        await base.save(apart, { keep: { adapter } });
        await expectSameBits(base.weights[query]!, own);
        await expectSameBits(base.forward(inputs).logits, plain);
        await expectClose(adapter.forward(inputs).logits, torch.lora.logits, { absolute: 1e-5, relative: 1e-5 });

        const whole = await loadModel(served, { tokenizer: numberTokenizer(60) });
        await expectClose(whole.forward(inputs).logits, torch.lora.logits, { absolute: 1e-5, relative: 1e-5 });
        const again = lora(base, { rank, alpha });
        await restoreKept(apart, base, { adapter: again });
        await expectSameBits(again.forward(inputs).logits, adapter.forward(inputs).logits);
      }),
    );
  });

  test(
    'a state is the adapters and the heads; half of one is refused and changes nothing',
    scoped(async () => {
      const [one, other] = [lora(await tinyBert(), { rank, alpha }), lora(await tinyBert(), { rank, alpha })];
      put(one, torch.lora.weights);
      expect(Object.keys(one.state()).sort()).toEqual([...one.trainable].sort());
      await expectState(one, other, `lora.${query}.b`);
    }),
  );

  test('leaves no tensor; bad arguments and a use after dispose are refused', async () => {
    const base = toy();
    await expectNoLeak(async () => {
      const adapter = lora(base, dense);
      await oneStep(adapter, toyBatch([[1, 2]], [0]));
      adapter.merge();
      adapter.unmerge();
      adapter.merge();
      adapter.dispose();
    });
    expect(() => lora(base)).toThrow('lora: weights chose none of the 1 matrices: dense.weight');
    expect(() => lora(base, { ...dense, rank: 0 })).toThrow('lora: rank must be a whole number ≥ 1, got 0');
    expect(() => lora(base, { ...dense, alpha: -1 })).toThrow('lora: alpha must be a number ≥ 0, got -1');
    const adapter = lora(base, dense);
    expect(() => lora(adapter, dense)).toThrow("the model has weights of lora already, such as 'lora.dense.weight.a'");
    adapter.dispose();
    const none = anyInputs();
    for (const use of [() => adapter.state(), () => adapter.merge(), () => adapter.forward(none)])
      expect(use).toThrow('lora: used after dispose()');
    tf.dispose({ ...none });
    base.dispose();
  });
});

describeSmall('lora on holdfast-small and its engine', (folder) => {
  beforeAll(async () => {
    await useEngine({ engine: 'onnxruntime' });
  });

  test(
    'the engine too computes what PyTorch does',
    scoped(async () => expectTorch(lora(await tinyBert(), { rank, alpha }), torch.lora)),
  );

  test('learns, the model stays as it is, and merged it predicts the same', { timeout: 240_000 }, async () => {
    await expectToLearn(
      folder,
      (model) => lora(model, { seed: 1 }),
      1e-2,
      async (adapter, model, texts) => {
        const head = model.head('billing');
        const before = await evaluate(adapter, texts, { head });
        (adapter as ReturnType<typeof lora>).merge();
        const after = await evaluate(model, texts, { head });
        after.predictions.forEach(({ score }, i) => expect(score).toBeCloseTo(before.predictions[i]!.score, 5));
      },
    );
  });
});
