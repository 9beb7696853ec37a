import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Example } from '../../src/data';
import { useEngine } from '../../src/engine/engines';
import { loadModel, type PretrainedModel } from '../../src/model';
import { linearProbe, spreadOf } from '../../src/prompting/linearProbe';
import { setFit } from '../../src/prompting/setFit';
import { logisticRegression } from '../../src/prompting/logisticRegression';
import { unitVectors } from '../../src/prompting/unitVectors';
import { loadTiny } from '../model/tiny';
import { expectClose, valuesOfEach } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { expectNoLeak } from '../support/leaks';
import { describeSmall } from '../support/small';

let model: PretrainedModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = await loadTiny('bert', { tokenizer: numberTokenizer(60) });
});
afterAll(() => model.dispose());

const examples = ['11 12', '12 13 11', '13 12', '41 42', '42 43 44', '44 41'].map((text, i) => ({
  text,
  label: i < 3 ? ('low' as const) : ('high' as const),
}));
const options = { examples, pairs: 1, batchSize: 4, learningRate: 1e-3, seed: 1 };
const weightsOf = (some: PretrainedModel) => valuesOfEach(some.weights);

describe('linearProbe', () => {
  test('reads unit vectors, in the order of the texts whatever the batch', async () => {
    const [all, single] = await Promise.all(
      [64, 1].map((batchSize) => unitVectors(model, examples, { batchSize, maxLength: 16 })),
    );
    for (const [i, vector] of all!.entries()) {
      expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
      await expectClose(vector, single![i]!, { absolute: 1e-5 });
    }
  });

  test('predicts by its regression on them; pairs and examples too', async () => {
    const probe = await linearProbe(model, { examples, l2: 0.01 });
    expect(probe.labels).toEqual(['low', 'high']);
    const answers = await probe.predict(examples);
    expect(answers.map(({ label }) => label)).toEqual(examples.map(({ label }) => label));
    const [vector] = await unitVectors(model, examples, { batchSize: 64, maxLength: model.maxLength });
    const [, logit = NaN] = probe.regression.logits(vector!);
    expect(answers[0]!.scores.high).toBeCloseTo(1 / (1 + Math.exp(-logit)), 6);
    const [pair, example] = await probe.predict([['11', '41'], { text: '11', pair: '41' }]);
    expect(pair).toEqual(example);
    expect(await probe.predict([])).toEqual([]);
    expectTypeOf(answers[0]!.label).toEqualTypeOf<'low' | 'high'>();
  });

  test('its λ does not depend on how far the vectors lie apart', async () => {
    expect(spreadOf([[1, 0], [0, 1]])).toBeCloseTo(0.5, 12); // prettier-ignore
    expect(spreadOf([[0.6, 0.8], [-0.6, -0.8]])).toBe(1); // prettier-ignore
    expect(spreadOf([[0.6, 0.8], [0.6, 0.8]])).toBe(1e-6); // prettier-ignore

    const vectors = await unitVectors(model, examples, { batchSize: 64, maxLength: model.maxLength });
    const mean = Array.from(vectors[0]!, (_, h) => vectors.reduce((sum, vector) => sum + vector[h]! / vectors.length, 0));
    const length = Math.sqrt(spreadOf(vectors));
    const scaled = vectors.map((vector) => Array.from(vector, (value, h) => (value - mean[h]!) / length));
    expect(scaled.flat().reduce((sum, value) => sum + value * value, 0) / scaled.length).toBeCloseTo(1, 4);
    const wanted = logisticRegression(scaled, [0, 0, 0, 1, 1, 1], { l2: 0.5 });
    const { regression } = await linearProbe(model, { examples, l2: 0.5 });
    for (const [i, vector] of vectors.entries())
      await expectClose(regression.logits(vector), wanted.logits(scaled[i]!), { absolute: 1e-4 });
  });
});

describe('setFit', () => {
  test('trains a copy: the model keeps its bits, the texts of a label come together', async () => {
    const before = await weightsOf(model);
    const classifier = await setFit(model, { ...options, pairs: 3, l2: 0.01 });
    expect(await weightsOf(model)).toEqual(before);
    expect(classifier.training.steps).toBe((2 * 3 * 6) / 4);
    const cosine = async (of: PretrainedModel, i: number, j: number) => {
      const vectors = await unitVectors(of, examples, { batchSize: 8, maxLength: 16 });
      return vectors[i]!.reduce((sum, value, d) => sum + value * vectors[j]![d]!, 0);
    };
    const apart = async (of: PretrainedModel) => (await cosine(of, 0, 1)) - (await cosine(of, 0, 3));
    expect(await apart(classifier.model)).toBeGreaterThan(await apart(model));
    const answers = await classifier.predict(examples);
    expect(answers.map(({ label }) => label)).toEqual(examples.map(({ label }) => label));
    classifier.dispose();
  });

  test('unique pairs: the learning rate falls over the steps that there are', async () => {
    const rates: number[] = [];
    const classifier = await setFit(model, {
      ...{ ...options, unique: true, pairs: 20, epochs: 2 },
      onEvent: (event) => event.type === 'step' && rates.push(event.rate!),
    });
    // Of 15 pairs of six texts six are of one label, and as many of two are drawn: 3 steps of 4 in each epoch.
    expect(classifier.training.steps).toBe(6);
    [6, 5, 4, 3, 2, 1].forEach((left, s) => expect(rates[s]).toBeCloseTo((1e-3 * left) / 6, 9));
    classifier.dispose();
  });

  test('one seed, one result; another seed, another', async () => {
    const run = async (seed: number) => {
      const classifier = await setFit(model, { ...options, seed });
      const answers = await classifier.predict(['11 41', '50']);
      classifier.dispose();
      return answers.map(({ scores }) => scores.low);
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  test('a learning rate of 0 is the probe of the model as it is', async () => {
    const classifier = await setFit(model, { ...options, learningRate: 0 });
    const probe = await linearProbe(model, { examples });
    await expectClose(classifier.regression.weights, probe.regression.weights, { absolute: 1e-6 });
    classifier.dispose();
  });

  test('leaves no tensor, also where it fails', async () => {
    await expectNoLeak(async () => (await setFit(model, options)).dispose());
    await expectNoLeak(async () => {
      const stop = AbortSignal.abort();
      expect((await failure(setFit(model, { ...options, signal: stop }))).code).toBe('aborted');
      const one: Example[] = [{ text: '11', label: 'low' }];
      expect((await failure(setFit(model, { ...options, examples: one }))).message).toContain(
        "setFit: all examples have the label 'low'",
      );
      const paired: Example[] = [...examples, { text: '11', pair: '12', label: 'low' }];
      expect((await failure(setFit(model, { ...options, examples: paired }))).message).toContain('row 7 has a second text');
    });
    expect((await failure(setFit(model, { ...options, l2: 0 }))).message).toContain('setFit: l2 must be a number');
  });
});

describeSmall('holdfast-small', (folder) => {
  beforeAll(() => useEngine({ engine: 'onnxruntime' }));
  afterAll(async () => void (await tf.setBackend('cpu')));

  test('eight texts, two topics: unseen ones in another language too', { timeout: 60_000 }, async () => {
    const small = await loadModel(folder, { pooling: 'mean' });
    const rows = [
      ...['The soup was hot.', 'We ate fresh bread.', 'She cooked rice.', 'The cake is sweet.'].map((text) => ({
        text,
        label: 'food',
      })),
      ...['It rains today.', 'The wind is cold.', 'Snow fell at night.', 'The sun shines.'].map((text) => ({
        text,
        label: 'weather',
      })),
    ];
    const classifier = await setFit(small, { examples: rows, pairs: 2, learningRate: 1e-4, maxLength: 32, seed: 1 });
    const history = classifier.training.history.epochs;
    expect(Number.isFinite(history[0]!.loss)).toBe(true);
    const answers = await classifier.predict([
      ...rows.map(({ text }) => text),
      'Das Brot ist frisch.',
      'Es regnet und der Wind ist kalt.',
    ]);
    expect(answers.slice(0, 8).map(({ label }) => label)).toEqual(rows.map(({ label }) => label));
    expect(answers.slice(8).map(({ label }) => label)).toEqual(['food', 'weather']);
    classifier.dispose();
    small.dispose();
  });
});
