import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import type { Example } from '../../src/data';
import { useEngine } from '../../src/engine/engines';
import { crossEntropy } from '../../src/losses';
import { loadModel } from '../../src/model';
import { efl } from '../../src/prompting/efl';
import { entailmentLabels, entailmentPairs } from '../../src/prompting/entailment';
import { adamW, fit } from '../../src/training';
import { valuesOf, valuesOfEach } from '../support/close';
import { failure } from '../support/failure';
import { expectNoLeak } from '../support/leaks';
import { describeSmall } from '../support/small';
import { toy, toyBatch, type Toy } from '../support/toy';

const descriptions = { low: '1 2', high: '9', none: '4 4 4' };
const texts = ['5 6 7', '3', '8 10 2 2'];

let model: Toy;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = toy({
    heads: { a: ['x', 'y'], entailment: ['entailment', 'not_entailment'], nli: ['contradiction', 'yes', 'neutral'] },
  });
});
afterAll(() => model.dispose());
beforeEach(() => {
  model.calls = 0;
});

/** p(yes) of a text with a description, by the columns of a head: the softmax by hand. */
async function chanceOf(text: string, description: string, columns: readonly number[], yes: number): Promise<number> {
  const logits = tf.tidy(() => model.forward(toyBatch([`${text} ${description}`.split(' ').map(Number)], [0]).inputs).logits);
  const values = await valuesOf(logits);
  logits.dispose();
  return Math.exp(values[yes]!) / columns.reduce((sum, column) => sum + Math.exp(values[column]!), 0);
}

describe('by hand', () => {
  test.each([
    ['two classes', {}, [2, 3], 2],
    ['the three classes of inference', { entailment: 'yes' }, [4, 5, 6], 5],
  ])('%s: each label’s probability, and their shares', async (_, options, columns, yes) => {
    const head = model.head(columns.length === 2 ? 'entailment' : 'nli');
    const answers = await efl(model, { descriptions, head, ...options }).predict(texts);
    for (const [i, text] of texts.entries()) {
      const chances = await Promise.all(Object.values(descriptions).map((pair) => chanceOf(text, pair, columns, yes)));
      const total = chances.reduce((sum, chance) => sum + chance, 0);
      Object.keys(descriptions).forEach((label, l) => {
        expect(answers[i]!.entailment[label as 'low']).toBeCloseTo(chances[l]!, 5);
        expect(answers[i]!.scores[label as 'low']).toBeCloseTo(chances[l]! / total, 5);
      });
      expect(answers[i]!.label).toBe(Object.keys(descriptions)[chances.indexOf(Math.max(...chances))]);
    }
    expectTypeOf(answers[0]!.label).toEqualTypeOf<'low' | 'high' | 'none'>();
  });

  test('all labels of a chunk of texts in one evaluation, even where a text has more than the batch size', async () => {
    await efl(model, { descriptions, batchSize: 6 }).predict(texts);
    expect(model.calls).toBe(2);
    const single = await efl(model, { descriptions, batchSize: 1 }).predict(texts);
    expect(model.calls).toBe(5);
    const together = await efl(model, { descriptions }).predict(texts.map((text) => ({ text })));
    expect(model.calls).toBe(6);
    together.forEach(({ label, scores }, i) => {
      expect(label).toBe(single[i]!.label);
      expect(scores.low).toBeCloseTo(single[i]!.scores.low, 6);
    });
    expect(await efl(model, { descriptions }).predict([])).toEqual([]);
  });

  test('leaves no tensor', () => expectNoLeak(async () => void (await efl(model, { descriptions }).predict(texts))));
});

describe('withLabel', () => {
  test('adds a label and changes no weight, bit for bit; the first classifier stays as it is', async () => {
    const weights = () => valuesOfEach(model.weights);
    const before = await weights();
    const first = efl(model, { descriptions });
    const old = await first.predict(texts);
    const wider = first.withLabel('more', '10 10');
    const answers = await wider.predict(texts);
    expect(await weights()).toEqual(before);
    expect(model.classCount).toBe(7);
    expect([first.labels, wider.labels]).toEqual([Object.keys(descriptions), ['low', 'high', 'none', 'more']]);
    expect(await first.predict(texts)).toEqual(old);
    for (const [i, { entailment, scores }] of answers.entries()) {
      for (const label of first.labels) expect(entailment[label]).toBeCloseTo(old[i]!.entailment[label], 6);
      expect(entailment.more).toBeCloseTo(await chanceOf(texts[i]!, '10 10', [2, 3], 2), 5);
      expect(Object.values(scores).reduce((sum, score) => sum + score, 0)).toBeCloseTo(1, 6);
    }
    expectTypeOf(answers[0]!.label).toEqualTypeOf<'low' | 'high' | 'none' | 'more'>();
  });

  test('refuses a label that is there, and a description that another label has', () => {
    const classifier = efl(model, { descriptions });
    expect(() => classifier.withLabel('low', '7')).toThrow("withLabel: there is a label 'low' already");
    expect(() => classifier.withLabel('new', '9')).toThrow("labels 'high' and 'new' have the same description");
  });
});

describe('refused', () => {
  test('a head without the label, a batch size of 0, pairs, one text in place of a list', async () => {
    expect(() => efl(model, { descriptions, head: model.head('nli') })).toThrow(
      "efl: head 'nli' has no label 'entailment', but contradiction, yes, neutral",
    );
    expect(() => efl(model, { descriptions, batchSize: 0 })).toThrow('batchSize must be a whole number');
    const pair: Example = { text: '1', pair: '2' };
    expect((await failure(efl(model, { descriptions }).predict(['1', pair]))).message).toContain('efl: text 2 is a pair');
    expect((await failure(efl(model, { descriptions }).predict('1 2' as unknown as string[]))).code).toBe('bad-argument');
  });
});

describeSmall('holdfast-small', (folder) => {
  beforeAll(() => useEngine({ engine: 'onnxruntime' }));
  afterAll(async () => void (await tf.setBackend('cpu')));

  test('a few steps on pairs lower their loss; a long text leaves the descriptions whole', { timeout: 60_000 }, async () => {
    const small = await loadModel(folder, { pooling: 'mean' });
    const head = small.addHead('entailment', entailmentLabels, { seed: 1 });
    const meanings = { food: 'It is about food.', weather: 'It is about the weather.' };
    const rows: Example[] = [
      { text: 'The soup was hot.', label: 'food' },
      { text: 'It rains today.', label: 'weather' },
    ];
    const optimizer = adamW({ learningRate: 1e-3 });
    const data = entailmentPairs(rows, { descriptions: meanings, head });
    const { history } = await fit(small, { objective: crossEntropy(), data, optimizer, epochs: 4, seed: 1 });
    expect(history.epochs[3]!.loss).toBeLessThan(history.epochs[0]!.loss);
    const [, long] = await efl(small, { descriptions: meanings }).predict(['Bread.', 'bread and milk '.repeat(200)]);
    expect(long!.entailment.food).not.toBeCloseTo(long!.entailment.weather, 6);
    optimizer.dispose();
    small.dispose();
  });
});
