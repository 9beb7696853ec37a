import { describe, expect, test } from 'vitest';
import { fitLogistic, logisticLoss, type LogisticProblem } from '../../pretraining/evaluation/logistic';
import { tfIdf } from '../../pretraining/evaluation/tfIdf';
import { fixture } from '../support/fixture';

const problem: LogisticProblem = {
  words: ['a', 'b'],
  classCount: 2,
  decay: 0.1,
  rows: [
    { vector: new Map([['a', 1]]), target: 0 },
    {
      vector: new Map([
        ['a', 0.6],
        ['b', 0.8],
      ]),
      target: 1,
    },
  ],
};

test('by hand: at zero both classes are ½', () => {
  const { loss, gradient } = logisticLoss(problem, new Float64Array(6));
  expect(loss).toBeCloseTo(Math.log(2), 12);
  // Class 0: slopes -½ · ½ and ½ · ½ of the rows (1, 0) and (0.6, 0.8); class 1 the opposite.
  const first = [-0.25 + 0.25 * 0.6, 0.25 * 0.8, 0];
  [...first, ...first.map((slope) => -slope)].forEach((want, i) => expect(gradient[i]).toBeCloseTo(want, 12));
});

test('its gradient is the numerical one', () => {
  const at = Float64Array.from([0.3, -0.2, 0.5, 1.1, 0.4, -0.7]);
  const { gradient } = logisticLoss(problem, at);
  at.forEach((value, i) => {
    const lossAt = (shift: number) => logisticLoss(problem, at.with(i, value + shift)).loss;
    expect((lossAt(1e-5) - lossAt(-1e-5)) / 2e-5).toBeCloseTo(gradient[i]!, 8);
  });
});

describe('scikit-learn', () => {
  const { texts, labels, probes, logistic } = fixture<{
    texts: string[];
    labels: number[];
    probes: string[];
    logistic: { strength: number; loss: number; chances: number[][] }[];
  }>('evaluation.json');
  const { words, vectorOf } = tfIdf(texts);
  const rows = texts.map((text, i) => ({ vector: vectorOf(text), target: labels[i]! }));
  for (const { strength, loss, chances } of logistic) {
    test(`C = ${strength}`, () => {
      const model = fitLogistic({ rows, words, classCount: 3, decay: 1 / (strength * rows.length) }, { tolerance: 1e-9 });
      expect(model.loss).toBeCloseTo(loss, 8);
      probes.forEach((probe, i) =>
        model.chancesOf(vectorOf(probe)).forEach((chance, c) => expect(chance).toBeCloseTo(chances[i]![c]!, 5)),
      );
    });
  }
});

describe('limits', () => {
  test('with a heavy decay the chances are the shares of the classes', () => {
    const rows = [...problem.rows, { vector: new Map([['b', 1]]), target: 1 }];
    const { chancesOf } = fitLogistic({ ...problem, decay: 100, rows });
    for (const word of ['a', 'b']) expect(chancesOf(new Map([[word, 1]]))[1]).toBeCloseTo(2 / 3, 2);
  });
  test('with hardly any decay, rows that can be told apart are', () => {
    const { chancesOf } = fitLogistic({ ...problem, decay: 1e-6 });
    problem.rows.forEach(({ vector, target }) => expect(chancesOf(vector)[target]).toBeGreaterThan(0.99));
  });
  test('without words the chances are the shares of the classes', () => {
    const targets = [0, 1, 1, 1];
    const { chancesOf } = fitLogistic({
      words: [],
      classCount: 2,
      decay: 0.1,
      rows: targets.map((target) => ({ vector: new Map<string, number>(), target })),
    });
    expect(chancesOf(new Map())[1]).toBeCloseTo(0.75, 5);
  });
});
