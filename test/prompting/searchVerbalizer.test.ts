import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { useEngine } from '../../src/engine/engines';
import { loadModel, type PretrainedModel, type Tokenizer } from '../../src/model';
import { clozeClassifier } from '../../src/prompting/clozeClassifier';
import { demonstrated } from '../../src/prompting/demonstrated';
import { accuracies, ensemble } from '../../src/prompting/ensemble';
import { pattern } from '../../src/prompting/pattern';
import { likelihood, searchVerbalizer, wordScores, type FoundWord } from '../../src/prompting/searchVerbalizer';
import { loadTiny } from '../model/tiny';
import { expectClose } from '../support/close';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { fixture } from '../support/fixture';
import { expectNoLeak } from '../support/leaks';
import { describeSmall } from '../support/small';

type Found = Readonly<Record<'a' | 'b' | 'c', readonly (readonly [id: number, score: number])[]>>;
interface Numbers {
  readonly texts: number[][];
  readonly labels: number[];
  readonly likelihoodRatio: Found;
  readonly likelihood: Found;
}
const torch = fixture<Numbers>('adapet.json');
const examples = torch.texts.map((text, i) => ({ text: text.join(' '), label: (['a', 'b', 'c'] as const)[torch.labels[i]!]! }));
const asked = pattern('{text} 7 {mask} 8');

/** 41 → 'eb': numbers as words, because words are made of letters. */
const spelt = (id: number): string => [...String(id)].map((digit) => 'abcdefghij'[Number(digit)]!).join('');
const lettered: Tokenizer = {
  ...numberTokenizer(60),
  encode: (texts, options) =>
    numberTokenizer(60).encode(
      texts.map((text) =>
        String(text).replace(/\b[a-j]+\b/g, (word) => [...word].map((one) => 'abcdefghij'.indexOf(one)).join('')),
      ),
      options,
    ),
  decode: async (ids) => ids.map(spelt).join(' '),
};

let model: PretrainedModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  model = await loadTiny('bert-mlm', { tokenizer: lettered });
});
afterAll(() => model.dispose());

describe('searchVerbalizer', () => {
  test('by hand: own mean less the mean of the others', () => {
    const means = [
      [-1, -2],
      [-3, -2],
      [-5, -8],
    ].map((row) => Float64Array.from(row));
    expect(wordScores(means).map((row) => [...row])).toEqual([
      [3, 3],
      [0, 3],
      [-3, -6],
    ]);
    expect(wordScores(means, likelihood)).toEqual(means);
  });

  test('PyTorch, on a BERT: the words and their scores, by both measures', async () => {
    const ratios = await searchVerbalizer(model, { pattern: asked, examples, words: 2 });
    const { words } = await searchVerbalizer(model, { pattern: asked, examples, words: 2, score: likelihood, batchSize: 1 });
    for (const [got, want] of [
      [ratios.words, torch.likelihoodRatio],
      [words, torch.likelihood],
    ] as const) {
      for (const label of ['a', 'b', 'c'] as const) {
        expect(got[label].map(({ text }) => text)).toEqual(want[label].map(([id]) => spelt(id)));
        await expectClose(
          got[label].map(({ score }) => score),
          want[label].map(([, score]) => score),
          { absolute: 2e-5 },
        );
      }
    }
    expectTypeOf(ratios.words.a).toEqualTypeOf<readonly FoundWord[]>();
    expect(ratios.verbalizer.labels).toEqual(['a', 'c', 'b']);
    expect(ratios.verbalizer.words[0]!.map(({ text }) => text)).toEqual(ratios.words.a.map(({ text }) => text));
  });

  test('few candidates are the likeliest words; without any for a label it says so', async () => {
    const found = await searchVerbalizer(model, { pattern: asked, examples, words: 60 });
    const all = Object.values(found.words).flat();
    expect(all).toHaveLength(56); // All but the special tokens, each for one label.
    expect(new Set(all.map(({ text }) => text)).size).toBe(56);
    const { code, message } = await failure(searchVerbalizer(model, { pattern: asked, examples, candidates: 1 }));
    expect(code).toBe('bad-data');
    expect(message).toContain('no word is left for');
  });

  test('leaves nothing behind; refuses several gaps, one label, bad counts', async () => {
    await expectNoLeak(async () => void (await searchVerbalizer(model, { pattern: asked, examples })));
    const refused = async (options: object) =>
      (await failure(searchVerbalizer(model, { pattern: asked, examples, ...options }))).message;
    expect(await refused({ pattern: pattern('{mask}{mask} {text}') })).toContain('has 2 {mask}');
    expect(await refused({ examples: examples.slice(1, 2) })).toContain("searchVerbalizer: all examples have the label 'c'");
    expect(await refused({ words: 0 })).toContain('searchVerbalizer: words must be a whole number ≥ 1, got 0');
  });
});

describeSmall('holdfast-small', (folder) => {
  beforeAll(() => useEngine({ engine: 'onnxruntime' }));
  afterAll(async () => void (await tf.setBackend('cpu')));

  test('six texts: the words tell them apart; with demonstrations and in an ensemble too', { timeout: 60_000 }, async () => {
    const small = await loadModel(folder, { pooling: 'mean' });
    const rows = [
      ...['The band released a new album.', 'The singer is on tour again.', 'The choir sang at the concert.'].map((text) => ({
        text,
        label: 'music' as const,
      })),
      ...['The team won the match.', 'He scored two goals.', 'They lost the final of the league.'].map((text) => ({
        text,
        label: 'sport' as const,
      })),
    ];
    const source = pattern('{text} This is about {mask}.');
    const found = await searchVerbalizer(small, { pattern: source, examples: rows });
    for (const words of Object.values(found.words)) {
      expect(words).toHaveLength(3);
      for (const { text, score } of words) {
        expect(text).toMatch(/^\p{L}+$/u);
        expect(score).toBeGreaterThan(0);
      }
    }
    const task = { pattern: source, verbalizer: found.verbalizer };
    const shown = await demonstrated(small, { ...task, examples: rows, seed: 1 });
    const voters = [source, shown].map((asking) => clozeClassifier(small, { ...task, pattern: asking }));
    const weights = await accuracies(voters, rows);
    expect(weights[0]).toBeGreaterThan(0.8); // They were found in these texts.
    const answers = await ensemble(voters, { weights }).predict(['The orchestra played a song.', 'They trained for the cup.']);
    for (const { scores } of answers) expect(scores.music + scores.sport).toBeCloseTo(1, 6);
    small.dispose();
  });
});
