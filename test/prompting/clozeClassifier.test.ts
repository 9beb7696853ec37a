import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { loadModel, type PretrainedModel } from '../../src/model';
import { calibrated } from '../../src/prompting/calibrated';
import { clozeClassifier } from '../../src/prompting/clozeClassifier';
import { clozeScores, type ClozeScoring } from '../../src/prompting/clozeScores';
import { maxFirst } from '../../src/prompting/maxFirst';
import { multiToken } from '../../src/prompting/multiToken';
import { pattern } from '../../src/prompting/pattern';
import { verbalizer, type WordsOfLabel } from '../../src/prompting/verbalizer';
import { loadTiny } from '../model/tiny';
import { expectClose } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { fixture } from '../support/fixture';
import { expectNoLeak } from '../support/leaks';
import { describeSmall } from '../support/small';

interface Numbers {
  readonly texts: number[][];
  readonly words: Readonly<Record<'a' | 'b' | 'c', Record<string, number>>>;
  readonly uneven: Readonly<Record<'a' | 'b' | 'c', Record<string, number>>>;
  readonly logits: number[];
  readonly empty: number[];
  readonly multiToken: number[][];
  readonly maxFirst: number[][];
}
const torch = fixture<Numbers>('pet.json');
const texts = torch.texts.map((text) => text.join(' '));
const options = { batchSize: 2, maxLength: 16 };

let model: PretrainedModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = await loadTiny('bert-mlm', { tokenizer: numberTokenizer(60) });
});
afterAll(() => model.dispose());

const taskOf = (words: Readonly<Record<'a' | 'b' | 'c', WordsOfLabel>>, asked = '{text} 7 {mask} 8') => ({
  pattern: pattern(asked),
  verbalizer: verbalizer(words),
});
const scored = (scoring: ClozeScoring, words: Parameters<typeof taskOf>[0]) =>
  scoring(
    model,
    taskOf(words),
    texts.map((text) => ({ text })),
    options,
  );
const flat = (rows: readonly ArrayLike<number>[]): number[] => rows.flatMap((row) => Array.from(row));

describe('PyTorch, on a BERT', () => {
  test('clozeScores, in the order of the texts', async () => {
    await expectClose(flat(await scored(clozeScores, torch.words)), torch.logits, { absolute: 1e-5 });
  });
  test('calibrated: less the scores of the empty text', async () => {
    const want = torch.logits.map((logit, i) => logit - torch.empty[i % 3]!);
    await expectClose(flat(await scored(calibrated(), torch.words)), want, { absolute: 1e-5 });
  });
  test('words of one, two and three tokens: in one pass, and the surest piece first', async () => {
    await expectClose(flat(await scored(multiToken, torch.uneven)), flat(torch.multiToken), { absolute: 1e-5 });
    await expectClose(flat(await scored(maxFirst, torch.uneven)), flat(torch.maxFirst), { absolute: 1e-5 });
  });
});

describe('predict', () => {
  test('label and probabilities of each text, pair or example, whatever the batch size', async () => {
    const classifier = clozeClassifier(model, { ...taskOf(torch.words), batchSize: 2 });
    const answers = await classifier.predict([texts[0]!, { text: texts[1]! }, texts[2]!]);
    answers.forEach(({ label, scores }, i) => {
      const logits = torch.logits.slice(3 * i, 3 * i + 3);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
      (['a', 'b', 'c'] as const).forEach((name, l) => expect(scores[name]).toBeCloseTo(Math.exp(logits[l]!) / total, 5));
      expect(label).toBe('abc'[logits.indexOf(Math.max(...logits))]);
    });
    expectTypeOf(answers[0]!.label).toEqualTypeOf<'a' | 'b' | 'c'>();
    const pairs = clozeClassifier(model, taskOf(torch.words, '{text} 7 {mask} {pair}'));
    const [pair, example] = await pairs.predict([['11 12', '13'], { text: '11 12', pair: '13' }]);
    expect(pair).toEqual(example);
    expect(await classifier.predict([])).toEqual([]);
  });

  test('scores that are not numbers are refused: of them no label is the best', async () => {
    const scoring: ClozeScoring = async (_model, _task, examples) => examples.map(() => Float32Array.of(0, NaN, 1));
    const error = await failure(clozeClassifier(model, { ...taskOf(torch.words), scoring }).predict(['11']));
    expect(error.code).toBe('not-finite');
    expect(error.message).toContain("got 0 for 'a', NaN for 'b', 1 for 'c'");
    const diverged = model.clone();
    for (const weight of Object.values(diverged.weights)) tf.tidy(() => void weight.assign(tf.mul(weight, NaN)));
    expect((await failure(clozeClassifier(diverged, taskOf(torch.words)).predict(['11']))).code).toBe('not-finite');
    diverged.dispose();
  });

  test('leaves no tensor, whatever the scoring', async () => {
    for (const scoring of [clozeScores, calibrated(), multiToken, calibrated(maxFirst)])
      await expectNoLeak(async () => void (await clozeClassifier(model, { ...taskOf(torch.words), scoring }).predict(texts)));
  });

  test('words that are split need a scoring for them; that one needs a single {mask}', async () => {
    const split = clozeClassifier(model, taskOf(torch.uneven));
    expect((await failure(split.predict(texts))).message).toContain("'9.30' is 2 tokens ('9', '30')");
    const twice = { ...taskOf(torch.words, '{mask}{mask} {text}'), scoring: multiToken };
    expect((await failure(clozeClassifier(model, twice).predict(texts))).message).toContain(
      "multiToken: '{mask}{mask} {text}' has 2 {mask}",
    );
    expect(() => clozeClassifier(model, { ...taskOf(torch.words), maxLength: 99 })).toThrow('maxLength must be a whole number');
  });
});

describe('limits', () => {
  test('for words of one token, multiToken and maxFirst are the same and choose as clozeScores', async () => {
    const of = (scoring: ClozeScoring) => clozeClassifier(model, { ...taskOf(torch.words), scoring }).predict(texts);
    const [one, many, first] = [await of(clozeScores), await of(multiToken), await of(maxFirst)];
    one.forEach(({ scores }, i) => {
      for (const label of ['a', 'b', 'c'] as const) {
        expect(many[i]!.scores[label]).toBeCloseTo(scores[label], 5);
        expect(first[i]!.scores[label]).toBeCloseTo(scores[label], 5);
      }
    });
  });
  test('a calibrated empty text has no preference', async () => {
    const [answer] = await clozeClassifier(model, { ...taskOf(torch.words), scoring: calibrated() }).predict(['']);
    for (const share of Object.values(answer!.scores)) expect(share).toBeCloseTo(1 / 3, 6);
  });
});

describeSmall('holdfast-small without any training', (folder) => {
  test('English, Chinese, and texts longer than the model', async () => {
    const small = await loadModel(folder, { pooling: 'mean' });
    const english = {
      pattern: pattern('{text} This is about a {mask}.'),
      verbalizer: verbalizer({ music: 'song', film: 'film' }),
    };
    const [band, actor, long] = await clozeClassifier(small, english).predict([
      'The band recorded it for their album.',
      'The actor played the role of the director in the cinema.',
      'They recorded an album. '.repeat(60),
    ]);
    expect(band!.scores.music).toBeGreaterThan(actor!.scores.music);
    expect(long!.scores.music + long!.scores.film).toBeCloseTo(1, 6);
    const words = verbalizer({ music: '音乐', money: '经济' });
    const chinese = clozeClassifier(small, { pattern: pattern('这是{mask}新闻:{text}'), verbalizer: words, scoring: multiToken });
    const answers = await chinese.predict(['歌手发行了新专辑', '公司股票价格上涨']);
    expect(answers.map(({ label }) => label)).toEqual(['music', 'money']);
    small.dispose();
  });
});
