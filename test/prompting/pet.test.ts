import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf, openPass } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import type { Tensors } from '../../src/core/types';
import { batches, disposeBatch, type Example } from '../../src/data';
import { besideMasked } from '../../src/prompting/besideMasked';
import { cloze, type Cloze } from '../../src/prompting/cloze';
import { clozeCrossEntropy, clozeLogits } from '../../src/prompting/clozeCrossEntropy';
import { maskTokens, type Masked } from '../../src/prompting/maskTokens';
import { pattern } from '../../src/prompting/pattern';
import { pet } from '../../src/prompting/pet';
import { verbalizer } from '../../src/prompting/verbalizer';
import { normalizedLogits } from '../../src/prompting/verbalizerLogits';
import { loadTiny } from '../model/tiny';
import { expectClose, expectEach, expectSameBits, valueOf, valuesOf } from '../support/close';
import { MASK, numberTokenizer } from '../support/cloze';
import { expectGradient } from '../support/expectGradient';
import { failure } from '../support/failure';
import { firstOf } from '../support/firstOf';
import { fixture } from '../support/fixture';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Loss {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}
interface Numbers {
  readonly texts: number[][];
  readonly labels: number[];
  readonly words: Readonly<Record<'a' | 'b' | 'c', Record<string, number>>>;
  readonly double: Readonly<Record<'a' | 'b' | 'c', string>>;
  readonly masked: { readonly ids: number[][]; readonly positions: number[]; readonly targets: number[] };
  readonly alpha: number;
  readonly logits: number[];
  readonly normalized: number[];
  readonly clozeCrossEntropy: Loss;
  readonly maskedLm: number;
  readonly pet: Loss;
  readonly two: { readonly logits: number[]; readonly logProbabilities: number[]; readonly loss: number };
}
const torch = fixture<Numbers>('pet.json');
const examples: Example[] = torch.texts.map((text, i) => ({ text: text.join(' '), label: 'abc'[torch.labels[i]!]! }));
const task = { pattern: pattern('{text} 7 {mask} 8'), verbalizer: verbalizer(torch.words) };
const inOrder = { shuffle: false, batchSize: 3 };

/** A model of small numbers whose tokenizer has a mask. */
const asked = () => ({ ...toy({ vocabulary: 60 }), tokenizer: numberTokenizer(60) });
const tiny = () => loadTiny('bert-mlm', { tokenizer: numberTokenizer(60) });

const maskedView = (): Masked['masked'] => {
  const ids = tf.tensor2d(torch.masked.ids, undefined, 'int32');
  return {
    inputs: { ids, mask: tf.cast(tf.notEqual(ids, 0), 'float32') },
    positions: tf.tensor1d(torch.masked.positions, 'int32'),
    targets: tf.tensor1d(torch.masked.targets, 'int32'),
  };
};

describe('cloze', () => {
  test(
    'by hand: the gaps, the labels and the words of a batch',
    scoped(async () => {
      const {
        inputs,
        cloze: questions,
        examples: kept,
      } = await firstOf(cloze(examples.slice(1), { ...task, ...inOrder }), asked());
      expect(await inputs.ids.array()).toEqual([
        [1, 21, 22, 7, MASK, 8, 2, 0],
        [1, 31, 32, 33, 7, MASK, 8, 2],
      ]);
      expect(await questions.positions.array()).toEqual([[4], [13]]);
      expect(await questions.labels.array()).toEqual([2, 1]);
      expect(await questions.words.ids.array()).toEqual([
        [[9], [30]],
        [[12], [13]],
        [[40], [40]],
      ]);
      await expectClose(questions.words.weights, [0.5, 0.5, 2 / 3, 1 / 3, 1, 0]);
      expect((kept[0] as Example).text).toBe('21 22 7 [MASK] 8');
    }),
  );

  test('shuffled and resumed as batches are; all tensors are freed with the batch', async () => {
    const many = Array.from({ length: 12 }, (_, i) => ({ text: `${10 + i}`, label: 'abc'[i % 3]! }));
    const model = asked();
    const read = async (skip: number) => {
      const seen: string[] = [];
      for await (const batch of cloze(many, { ...task, batchSize: 2 }).open({ model, seed: 1, epoch: 3, skip })) {
        const labels = await batch.cloze.labels.array();
        batch.examples.forEach((example, b) => {
          expect('abc'[labels[b]!]).toBe((example as Example).label);
          seen.push((example as Example).text);
        });
        disposeBatch(batch);
      }
      return seen;
    };
    await expectNoLeak(async () => void (await read(0)));
    const all = await read(0);
    expect([...all].sort()).toEqual(many.map(({ text }) => `${text} 7 [MASK] 8`));
    expect(await read(4)).toEqual(all.slice(8));
    model.dispose();
  });

  test('labels that the verbalizer lacks are all named; words of more tokens are refused with their pieces', async () => {
    const model = asked();
    const unknown = await failure(firstOf(cloze([{ text: '1', label: 'd' }, { text: '2' }], { ...task, ...inOrder }), model));
    expect(unknown.code).toBe('unknown-label');
    expect(unknown.message).toContain("label 'd' in row 1 is not one of the verbalizer's\n- row 2 has no label");
    const split = { ...task, verbalizer: verbalizer(torch.double), ...inOrder };
    expect((await failure(firstOf(cloze(examples, split), model))).message).toContain("'9.30' is 2 tokens ('9', '30')");
    model.dispose();
  });
});

describe('gradients', () => {
  test(
    'central differences, for both ways to the logits, and with a batch by rows',
    scoped(async () => {
      const model = asked();
      const batch = { ...(await firstOf(cloze(examples, { ...task, ...inOrder }), model)), masked: maskedView() };
      await expectGradient(clozeCrossEntropy(), model, batch, { entries: 3 });
      await expectGradient(pet({ alpha: 0.3, logits: normalizedLogits }), model, batch, { entries: 2 });
    }),
  );
});

describe('PyTorch, on a BERT', () => {
  test(
    'the logits of one mask and of two, and those of OpenPrompt',
    scoped(async () => {
      const model = await tiny();
      const one = openPass(model, await firstOf(cloze(examples, { ...task, ...inOrder }), model), { weights: model.weights });
      await expectClose(clozeLogits(one), torch.logits, { absolute: 1e-5 });
      await expectClose(clozeLogits(one, normalizedLogits), torch.normalized, { absolute: 1e-5 });
      const twice = { pattern: pattern('{text} 7 {mask}{mask} 8'), verbalizer: verbalizer(torch.double), ...inOrder };
      const two = openPass(model, await firstOf(cloze(examples, twice), model), { weights: model.weights });
      await expectClose(clozeLogits(two), torch.two.logits, { absolute: 1e-5 });
      // Raw logits or log-probabilities: the same softmax.
      await expectClose(tf.softmax(clozeLogits(two)), tf.softmax(tf.tensor2d(torch.two.logProbabilities, [3, 3])), {
        absolute: 1e-5,
      });
      await expectClose(clozeCrossEntropy()(two), [torch.two.loss], { absolute: 1e-5 });
      model.dispose();
    }),
  );

  test(
    'loss and gradients, without and with masked language modelling',
    scoped(async () => {
      const model = await tiny();
      const batch: Cloze & Masked = {
        ...(await firstOf(cloze(examples, { ...task, ...inOrder }), model)),
        masked: maskedView(),
      };
      for (const [term, want] of [
        [clozeCrossEntropy(), torch.clozeCrossEntropy],
        [pet({ alpha: torch.alpha }), torch.pet],
      ] as const) {
        const { loss, grads, rows, reports } = gradientsOf(term, model)(batch);
        const dense: Tensors = denseGradients(grads, rows, model.weights);
        await expectClose(loss, [want.loss], { absolute: 1e-5 });
        await expectEach(dense, want.gradients, { absolute: 1e-5 });
        await expectClose(reports['clozeAccuracy']!, [accuracy()]);
      }
      model.dispose();
    }),
  );
});

/** By the logits of PyTorch. */
function accuracy(): number {
  const right = torch.labels.filter((label, b) => {
    const row = torch.logits.slice(3 * b, 3 * b + 3);
    return row.indexOf(Math.max(...row)) === label;
  });
  return right.length / torch.labels.length;
}

describe('limits', () => {
  test(
    'α = 0 is the cross entropy at the gap; α = 1 masked language modelling; both ways to the logits give one loss',
    scoped(async () => {
      const model = await tiny();
      const batch = { ...(await firstOf(cloze(examples, { ...task, ...inOrder }), model)), masked: maskedView() };
      const lossOf = (term: ReturnType<typeof pet>) => gradientsOf(term, model)(batch).loss;
      await expectSameBits(lossOf(pet({ alpha: 0 })), lossOf(clozeCrossEntropy()));
      await expectClose(lossOf(pet({ alpha: 1 })), [torch.maskedLm], { absolute: 1e-5 });
      await expectClose(lossOf(clozeCrossEntropy({ logits: normalizedLogits })), lossOf(clozeCrossEntropy()));
      expect(() => pet({ alpha: 1.1 })).toThrow('pet: alpha must be a number from 0 to 1, got 1.1');
      model.dispose();
    }),
  );

  test(
    'leaves nothing behind, reports included',
    scoped(async () => {
      const model = asked();
      const batch = { ...(await firstOf(cloze(examples, { ...task, ...inOrder }), model)), masked: maskedView() };
      await expectNoLeak(() => {
        tf.tidy(() => void gradientsOf(pet(), model)(batch));
      });
    }),
  );
});

describe('besideMasked', () => {
  const unlabelled = (count: number) =>
    maskTokens(
      batches(
        Array.from({ length: count }, (_, i) => ({ text: `${10 + i} 50 51 52` })),
        { batchSize: 2 },
      ),
    );
  test('each batch gets the other stream’s masked view, and nothing of it is left over', async () => {
    const model = asked();
    await expectNoLeak(async () => {
      const views: number[][] = [];
      const data = besideMasked(cloze(examples, { ...task, batchSize: 1 }), unlabelled(8));
      for await (const batch of data.open({ model, seed: 1, epoch: 0 })) {
        expect(batch.masked.inputs.ids.shape).toEqual([2, 6]);
        const loss = tf.tidy(() => gradientsOf(pet(), model)(batch).loss);
        expect(Number.isFinite(await valueOf(loss))).toBe(true);
        loss.dispose();
        views.push(await valuesOf(batch.masked.targets));
        disposeBatch(batch);
      }
      expect(views).toHaveLength(3);
    });
    model.dispose();
  });

  test('too little unlabelled text is refused', async () => {
    const model = asked();
    const data = besideMasked(cloze(examples, { ...task, batchSize: 1 }), unlabelled(2));
    const read = async () => {
      for await (const batch of data.open({ model, seed: 1, epoch: 0 })) disposeBatch(batch);
    };
    expect((await failure(read())).message).toContain('the unlabelled text has fewer batches than the labelled rows');
    model.dispose();
  });

  test('maskTokens over cloze questions leaves the gaps', async () => {
    const model = asked();
    const batch = await firstOf(maskTokens(cloze(examples, { ...task, ...inOrder }), { rate: 1 }), model);
    const [gaps, hidden] = [await batch.cloze.positions.array(), await valuesOf(batch.masked.positions)];
    for (const [at] of gaps) expect(hidden).not.toContain(at);
    disposeBatch(batch);
    model.dispose();
  });
});
