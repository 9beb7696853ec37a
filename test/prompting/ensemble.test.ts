import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { byLabel } from '../../src/prompting/answers';
import { clozeClassifier } from '../../src/prompting/clozeClassifier';
import { accuracies, ensemble, meanLogs, meanProbabilities, type Voter } from '../../src/prompting/ensemble';
import { nextGeneration } from '../../src/prompting/nextGeneration';
import { pattern } from '../../src/prompting/pattern';
import { softLabels } from '../../src/prompting/softLabels';
import { verbalizer } from '../../src/prompting/verbalizer';
import { loadTiny } from '../model/tiny';
import { expectClose } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Label = 'a' | 'b';
const labels: readonly Label[] = ['a', 'b'];
/** A classifier that says p(a), whatever the text; or a p(a) for each text by its number. */
const says = (a: number | readonly number[], order = labels): Voter<Label> => ({
  labels: order,
  predict: async (texts) =>
    texts.map(({ text }) => {
      const p = typeof a === 'number' ? a : a[Number(text)]!;
      return { label: p >= 0.5 ? 'a' : 'b', scores: byLabel(order, (l) => (order[l] === 'a' ? p : 1 - p)) };
    }),
});
const answerOf = async (voters: readonly Voter<Label>[], options: Parameters<typeof ensemble>[1] = {}) => {
  const [answer] = await ensemble(voters, options).predict(['0']);
  return answer!;
};

describe('ensemble', () => {
  test('by hand: .9 and .5 have the logits ln 9 and 0: their mean is ln 3, so ¾; the mean probability .7', async () => {
    const voters = [says(0.9), says(0.5, ['b', 'a'])];
    const logs = await answerOf(voters);
    expect(logs.label).toBe('a');
    expect(logs.scores.a).toBeCloseTo(0.75, 10);
    expect(logs.scores.b).toBeCloseTo(0.25, 10);
    expect((await answerOf(voters, { combine: meanProbabilities })).scores.a).toBeCloseTo(0.7, 10);
    // ln 9 · ¾ = ln 27 / 2: √27 to 1.
    expect((await answerOf(voters, { weights: [3, 1] })).scores.a).toBeCloseTo(Math.sqrt(27) / (1 + Math.sqrt(27)), 10);
    expectTypeOf(logs.label).toEqualTypeOf<Label>();
  });

  test('limits: one classifier; weights of 0; a certain one among unsure ones; no text', async () => {
    for (const combine of [meanLogs, meanProbabilities]) {
      expect((await answerOf([says(0.8)], { combine })).scores.a).toBeCloseTo(0.8, 10);
      expect((await answerOf([says(0.8), says(0)], { combine, weights: [1, 0] })).scores.a).toBeCloseTo(0.8, 10);
    }
    // Certain is certain for the logarithms, and one vote of three for the probabilities.
    expect((await answerOf([says(0), says(0.9), says(0.9)])).label).toBe('b');
    expect((await answerOf([says(0), says(0.9), says(0.9)], { combine: meanProbabilities })).scores.a).toBeCloseTo(0.6, 10);
    expect(await ensemble([says(1)]).predict([])).toEqual([]);
  });

  test('accuracies on labelled examples, soft labels on unlabelled', async () => {
    const rows = ['a', 'b', 'a', 'a'].map((label, i) => ({ text: String(i), label }));
    const voters = [says(1), says([1, 0, 1, 0])];
    expect(await accuracies(voters, rows)).toEqual([0.75, 0.75]);
    expect((await failure(accuracies(voters, [{ text: '0' }]))).message).toContain('row 1 has no label');
    const [first] = await softLabels([says(0.9), says(0.5)], [{ text: '0', id: 'x' }]);
    expect(first).toMatchObject({ text: '0', id: 'x' });
    expect(first!.soft.a).toBeCloseTo(0.75, 10);
  });

  test('refuses what cannot vote together', () => {
    expect(() => ensemble([])).toThrow('ensemble: needs one classifier or more, got none');
    expect(() => ensemble<string>([says(1), { ...says(1), labels: ['a', 'c'] }])).toThrow('classifier 2 has the labels a, c');
    expect(() => ensemble([says(1)], { weights: [1, 2] })).toThrow('got 2 for 1');
    expect(() => ensemble([says(1)], { weights: [0] })).toThrow('the weights are all 0');
    expect(() => ensemble([says(1)], { weights: [-1] })).toThrow('weight 1 must be a number ≥ 0, got -1');
  });

  test('two patterns on a BERT: the mean of their logits; an ensemble is a voter again', async () => {
    const model = await loadTiny('bert-mlm', { tokenizer: numberTokenizer(60) });
    const words = verbalizer({ a: '9', b: '12' });
    const voters = ['{text} 7 {mask} 8', '{mask} 15 {text}'].map((source) =>
      clozeClassifier(model, { pattern: pattern(source), verbalizer: words }),
    );
    const texts = ['11 12', '21'];
    const logit = async (voter: { predict: (typeof voters)[0]['predict'] }) =>
      (await voter.predict(texts)).map(({ scores }) => Math.log(scores.a / scores.b));
    const [one, two] = [await logit(voters[0]!), await logit(voters[1]!)];
    const want = one.map((z, i) => (z + two[i]!) / 2);
    await expectClose(await logit(ensemble([ensemble(voters), ensemble(voters)])), want, { absolute: 1e-5 });
    model.dispose();
  });
});

describe('nextGeneration', () => {
  const examples = [
    { text: 'x', label: 'a' as const },
    { text: 'y', label: 'b' as const },
  ];
  const unlabelled = ['0', '1', '2', '3'].map((text) => ({ text, id: `u${text}` }));
  /** p(a) of each text, by model. */
  const answersOf = async (...models: readonly (readonly number[])[]) =>
    Promise.all(models.map((a) => says(a).predict(unlabelled)));
  const idsOf = (set: readonly { readonly id?: string; readonly label?: string }[], label: Label) =>
    set.flatMap(({ id, label: own }) => (id !== undefined && own === label ? [id] : []));
  const both = { examples, unlabelled, factor: 2, generation: 1, seed: 1 };

  test('by hand: each model learns one text of each label from the other', async () => {
    const [first, second] = nextGeneration({ ...both, answers: await answersOf([0, 0, 1, 1], [1, 1, 0, 0]) });
    expect(first!.slice(0, 2)).toEqual(examples);
    expect(first).toHaveLength(4);
    expect(['u0', 'u1']).toContain(idsOf(first!, 'a')[0]);
    expect(['u2', 'u3']).toContain(idsOf(first!, 'b')[0]);
    expect(['u2', 'u3']).toContain(idsOf(second!, 'a')[0]);
    expect(unlabelled[0]).toEqual({ text: '0', id: 'u0' });
  });

  test('draws in proportion to the probabilities: .9 against .6 three times of five', async () => {
    const answers = await answersOf([0, 0, 0, 0], [0.9, 0.6, 0, 0]);
    let hits = 0;
    for (let seed = 0; seed < 400; seed++) if (idsOf(nextGeneration({ ...both, answers, seed })[0]!, 'a')[0] === 'u0') hits++;
    expect(hits / 400).toBeCloseTo(0.6, 1);
    const once = nextGeneration({ ...both, answers });
    expect(nextGeneration({ ...both, answers })).toEqual(once);
  });

  test('grows by the factor; the likeliest of the rest fill up; where texts run out the sets are smaller', async () => {
    const answers = await answersOf([0, 0, 0, 0], [0.9, 0.6, 0.8, 0.7]);
    const [first] = nextGeneration({ ...both, factor: 3, answers });
    expect(idsOf(first!, 'a')).toHaveLength(2);
    // All four are answered with a: of those left, the two with the highest p(b).
    expect(idsOf(first!, 'b')).toHaveLength(2);
    const [few] = nextGeneration({ ...both, factor: 2, generation: 2, answers });
    expect([idsOf(few!, 'a').length, idsOf(few!, 'b').length]).toEqual([3, 1]);
    const same = nextGeneration({ ...both, factor: 1, answers });
    expect(same).toEqual([examples, examples]);
  });

  test('only others label, so many as the share says; a model without say counts where it stands alone', async () => {
    // Of five models the last one differs; with share 1 it is outvoted for the others, and never labels for itself.
    const rows = [...Array.from({ length: 4 }, () => [0.9, 0.9, 0.1, 0.1]), [0.1, 0.1, 0.9, 0.9]];
    const sets = nextGeneration({ ...both, share: 1, answers: await answersOf(...rows) });
    for (const set of sets) expect(['u0', 'u1']).toContain(idsOf(set, 'a')[0]);
    const muted = nextGeneration({ ...both, weights: [1, 0], answers: await answersOf([0, 0, 1, 1], [1, 1, 0, 0]) });
    expect(['u0', 'u1']).toContain(idsOf(muted[0]!, 'a')[0]);
  });

  test('refuses one model, missing answers, unknown labels', async () => {
    const answers = await answersOf([1, 1, 1, 1], [1, 1, 1, 1]);
    expect(() => nextGeneration({ ...both, answers: answers.slice(1) })).toThrow('two models or more, got 1');
    expect(() => nextGeneration({ ...both, answers: [answers[0]!, answers[1]!.slice(1)] })).toThrow(
      'model 2 has 3 answers for 4',
    );
    expect(() => nextGeneration<string>({ ...both, examples: [{ text: 'x', label: 'c' }], answers })).toThrow("label 'c'");
    expect(() => nextGeneration({ ...both, answers, factor: 0.5 })).toThrow('factor must be a number ≥ 1, got 0.5');
  });
});
