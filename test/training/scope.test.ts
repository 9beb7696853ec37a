import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';
import type { Example } from '../../src/data/types';
import { fitScope, restoreScope, type ScopeState } from '../../src/training/scope';
import { confidence, energy, type ScopeScore } from '../../src/training/scopeScores';
import { acceptanceThreshold, aurocOf, balancedThreshold } from '../../src/training/separation';
import { temperatureOf } from '../../src/training/temperature';
import { valuesOf } from '../support/close';
import { expectNoLeak } from '../support/leaks';
import { toy, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const heads = { a: ['x', 'y'], b: ['z', 'x', 'w'] };
const texts = ['1 2 3 4', '5', '6 7', '8 9 10', '2', '3 3 3', '4 1', '10 9 8 7 6'];
const labelled = (labels: readonly string[]): Example[] => texts.map((text, i) => ({ text, label: labels[i % labels.length]! }));
const others: Example[] = ['7 7 7', '9', '10 10'].map((text) => ({ text, label: 'oos' }));

async function withToy(body: (model: Toy) => Promise<void>): Promise<void> {
  const model = toy({ heads, dropout: 0.5 });
  await body(model).finally(() => model.dispose());
}

/** The logits of one text at a time, from column `from` to `to`. */
const logitsOf = (model: Toy, from: number, to: number, of: readonly string[] = texts) =>
  Promise.all(
    of.map(async (text) => {
      const ids = text.split(' ').map(Number);
      const { logits } = tf.tidy(() => ({
        logits: model.forward({ ids: tf.tensor2d([ids], [1, ids.length], 'int32'), mask: tf.ones([1, ids.length]) }).logits,
      }));
      const values = (await valuesOf(logits)).slice(from, to);
      logits.dispose();
      return values;
    }),
  );

describe('fitScope', () => {
  for (const score of [energy, confidence]) {
    test(`${score.name}: temperature, threshold, answers and report are those of the texts one by one`, () =>
      withToy(async (model) => {
        const scope = await fitScope(model, labelled(heads.b), { head: model.head('b'), score, acceptance: 0.6, batchSize: 3 });
        const own = await logitsOf(model, 2, 5);
        const T = temperatureOf(own, [0, 1, 2, 0, 1, 2, 0, 1]);
        const scores = own.map((logits) => score.of(logits, T));
        expect(scope.temperature).toBeCloseTo(T, 4);
        expect(scope.threshold).toBeCloseTo(acceptanceThreshold(scores, 0.6), 4);

        const answers = await scope.predict(texts);
        answers.forEach((answer, n) => {
          const chances = own[n]!.map((logit) => Math.exp(logit / T));
          const place = own[n]!.indexOf(Math.max(...own[n]!));
          expect(answer).toEqual({
            label: answer.inScope >= scope.threshold ? heads.b[place] : null,
            ...{ nearest: heads.b[place], head: 'b' },
            score: expect.closeTo(chances[place]! / chances.reduce((a, b) => a + b), 4) as number,
            inScope: expect.closeTo(scores[n]!, 4) as number,
          });
        });
        expect(answers.filter(({ label }) => label !== null)).toHaveLength(5); // ⌈0.6 · 8⌉
        const alone = await scope.predict({ text: texts[3]! });
        expect(alone).toEqual({
          ...answers[3],
          score: expect.closeTo(answers[3]!.score, 5),
          inScope: expect.closeTo(scores[3]!, 4),
        });
        expect(await scope.predict([])).toEqual([]);

        const report = await scope.report({ inScope: labelled(heads.b), outOfScope: others });
        const right = labelled(heads.b).map(({ label }, n) => label === answers[n]!.nearest);
        const accepted = answers.map(({ label }) => label !== null);
        const both = right.filter((isRight, n) => isRight && accepted[n]).length;
        const outside = await scope.predict(others);
        expect(report).toMatchObject({
          ...{ score: score.name, temperature: scope.temperature, threshold: scope.threshold, inScope: 8, outOfScope: 3 },
          closedAccuracy: right.filter(Boolean).length / 8,
          ...{ inScopeAccuracy: both / 8, acceptedAccuracy: both / 5, acceptance: 5 / 8 },
          outOfScopeRecall: outside.filter(({ label }) => label === null).length / 3,
          auroc: aurocOf(
            answers.map(({ inScope }) => inScope),
            outside.map(({ inScope }) => inScope),
          ),
        });
        expect(format(report)).toMatch(/^inScopeAccuracy +0\.\d{3}$/m);
        expect(structuredClone(report)).toEqual(report);
      }));
  }

  test('examples of what is out of scope set the threshold; all heads compete where all are given', () =>
    withToy(async (model) => {
      const tests = { a: labelled(heads.a), b: labelled(heads.b) };
      const scope = await fitScope(model, tests, { outOfScope: others, temperature: 1 });
      const [inside, outside] = [
        await logitsOf(model, 0, 5),
        await logitsOf(
          model,
          0,
          5,
          others.map(({ text }) => text),
        ),
      ].map((rows) => rows.map((logits) => energy.of(logits, 1)));
      expect(scope.threshold).toBeCloseTo(balancedThreshold([...inside!, ...inside!], outside!), 4);
      expect(scope.temperature).toBe(1);
      const { inScope, closedAccuracy } = await scope.report({ inScope: tests, outOfScope: others });
      expect(inScope).toBe(16);
      expect(closedAccuracy).toBeLessThanOrEqual(0.5); // No text can be right in both heads.
      await expect(scope.report({ inScope: tests.a, outOfScope: others })).rejects.toThrow('{ name: examples }');
    }));

  describe('limits', () => {
    test('what does not take part has no say: other logits of another head, the same bits', () =>
      withToy(async (model) => {
        const [head, inScope] = [model.head('a'), labelled(heads.a)];
        for (const score of [energy, confidence]) {
          const fitted = async () => {
            const scope = await fitScope(model, inScope, { head, score });
            return [scope.toJSON(), await scope.predict(texts), await scope.report({ inScope, outOfScope: others })];
          };
          const before = await fitted();
          tf.tidy(() => model.weights['classifier.1.bias']!.assign(tf.randomNormal([3], 50, 20, 'float32', 3)));
          expect(await fitted()).toEqual(before);
        }
      }));

    test('acceptance 1 accepts every held-out example; the same texts on both sides are told apart by ½', () =>
      withToy(async (model) => {
        const inScope = labelled(heads.a);
        const scope = await fitScope(model, { a: inScope }, { acceptance: 1 });
        const report = await scope.report({ inScope, outOfScope: inScope });
        expect(report).toMatchObject({ acceptance: 1, outOfScopeRecall: 0, auroc: 0.5 });
        expect(report.inScopeAccuracy).toBe(report.closedAccuracy);
      }));
  });

  test('a saved state answers the same; a score of your own comes back by its name', () =>
    withToy(async (model) => {
      const margin: ScopeScore = { name: 'margin', of: (logits) => Math.abs(logits[0]! - logits[1]!) };
      for (const score of [energy, confidence, margin]) {
        const scope = await fitScope(model, { a: labelled(heads.a) }, { score });
        const state = JSON.parse(JSON.stringify(scope)) as ScopeState;
        expect(state).toEqual({
          ...{ score: score.name, temperature: scope.temperature, threshold: scope.threshold, classes: { a: 2 } },
        });
        const again = restoreScope(model, state, score === margin ? { score } : {});
        expect(await again.predict(texts)).toEqual(await scope.predict(texts));
        expect(JSON.stringify(again)).toBe(JSON.stringify(scope));
      }
      const state: ScopeState = { score: 'energy', temperature: 1, threshold: 0, classes: { a: 2 } };
      const restored = (change: object) => () => restoreScope(model, { ...state, ...change });
      expect(restored({ score: 'margin' })).toThrow("made with the score 'margin': give it as { score }");
      expect(restored({ temperature: 0 })).toThrow('temperature must be a number above 0, got 0');
      expect(restored({ threshold: null })).toThrow('threshold must be a number');
      expect(restored({ classes: { a: 3 } })).toThrow("head 'a' has 2 labels, the scope was fitted with 3: fit it again");
      expect(restored({ classes: {} })).toThrow('restoreScope: the state names no head');
    }));

  test('leaves nothing behind', () =>
    expectNoLeak(() =>
      withToy(async (model) => {
        const scope = await fitScope(model, { a: labelled(heads.a) }, { outOfScope: others });
        await scope.predict(texts);
        await scope.report({ inScope: labelled(heads.a), outOfScope: others });
      }),
    ));

  test('what is refused', () =>
    withToy(async (model) => {
      const [head, rows] = [model.head('a'), labelled(heads.a)];
      await expect(fitScope(model, rows, { head, acceptance: 2 })).rejects.toThrow(
        'acceptance must be a number from 0 to 1, got 2',
      );
      await expect(fitScope(model, rows, { head, acceptance: 0.9, outOfScope: others })).rejects.toThrow('give one of them');
      await expect(fitScope(model, rows, { head, temperature: -1 })).rejects.toThrow(
        'temperature must be a number above 0, got -1',
      );
      await expect(fitScope(model, rows, { head, classes: [model.head('b')] })).rejects.toThrow("leave out head 'a'");
      await expect(fitScope(model, rows, { head, batchSize: 0 })).rejects.toThrow('batchSize must be a whole number ≥ 1, got 0');
      await expect(fitScope(model, labelled(['x', 'q']), { head })).rejects.toThrow("label 'q' in row 2 is not in head 'a'");
      await expect(fitScope(model, {})).rejects.toThrow('fitScope: no examples');
      await expect(fitScope(model, { a: [] })).rejects.toThrow('fitScope: no examples');
      // @ts-expect-error one source needs its head
      await expect(fitScope(model, rows, {})).rejects.toThrow('needs its head');
      const scope = await fitScope(model, rows, { head });
      await expect(scope.predict([undefined as unknown as string])).rejects.toThrow('row 1 has no text');
      await expect(scope.report({ inScope: rows, outOfScope: [] })).rejects.toThrow('scope.report: no examples');
    }));
});
