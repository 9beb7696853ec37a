import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TextModel } from '../../src/model/types';
import { askedRows } from '../../src/prompting/askedRows';
import { demonstrated } from '../../src/prompting/demonstrated';
import { pattern } from '../../src/prompting/pattern';
import { verbalizer } from '../../src/prompting/verbalizer';
import { numberTokenizer } from '../support/cloze';
import { failure } from '../support/failure';
import { expectNoLeak } from '../support/leaks';
import { toy, type Toy } from '../support/toy';

let base: Toy;
/** Texts are as similar as the tokens that they share. */
let model: TextModel;
beforeAll(async () => {
  await tf.setBackend('cpu');
  base = toy({ vocabulary: 60 });
  model = {
    ...base,
    tokenizer: numberTokenizer(60),
    maxLength: 40,
    forward: (inputs, options) => ({
      ...base.forward(inputs, options),
      pooled: tf.sum<tf.Tensor2D>(tf.mul(tf.oneHot(inputs.ids, 60, 1, 0, 'float32'), tf.expandDims(inputs.mask, 2)), 1),
    }),
  };
});
afterAll(() => base.dispose());

const task = { pattern: pattern('{text} 7 {mask}'), verbalizer: verbalizer({ a: '9', b: { '12': 1, '13': 2 } }) };
const examples = [
  { text: '11 20', label: 'a' },
  { text: '30 31', label: 'a' },
  { text: '40 41', label: 'b' },
  { text: '11 21', label: 'b' },
];
const filled = async (texts: readonly { readonly text: string }[], options: Partial<Parameters<typeof demonstrated>[1]> = {}) => {
  const asked = await demonstrated(model, { ...task, examples, seed: 1, ...options });
  return asked.fill(texts, model);
};

describe('demonstrated', () => {
  test('by hand: for each label the more similar example, with the heaviest word in its gap', async () => {
    const [question] = await filled([{ text: '11 22' }]);
    expect(question!.text).toBe('11 22 7 [MASK] 11 20 7 9 11 21 7 13');
    const [other] = await filled([{ text: '31 41' }]);
    expect(other!.text).toBe('31 41 7 [MASK] 30 31 7 9 40 41 7 13');
  });

  test('a text is never its own demonstration, and a label without another example has none', async () => {
    const [own] = await filled([examples[0]!]);
    expect(own).toEqual({ text: '11 20 7 [MASK] 30 31 7 9 11 21 7 13', label: 'a' });
    const [alone] = await filled([examples[0]!], { examples: [examples[0]!, examples[3]!] });
    expect(alone!.text).toBe('11 20 7 [MASK] 11 21 7 13');
  });

  test('the draw is a function of seed and text: whatever stands beside it, and all examples come with share 1', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 14; seed++) seen.add((await filled([{ text: '50' }], { share: 1, seed }))[0]!.text);
    const [, again] = await filled([{ text: '51 52' }, { text: '50' }], { share: 1, seed: 0 });
    const [alone] = await filled([{ text: '50' }], { share: 1, seed: 0 });
    expect(again).toEqual(alone);
    expect(seen.size).toBe(4);
  });

  test('pairs: behind the second text; several gaps are one word; views get the same', async () => {
    const paired = pattern('{text}', '{mask}{mask} 8 {pair}');
    const words = verbalizer({ a: '9.10', b: '12.13' });
    const rows = examples.map((example) => ({ ...example, pair: '5' }));
    const asked = await demonstrated(model, { pattern: paired, verbalizer: words, examples: rows, seed: 1 });
    const [question] = await asked.fill([{ text: '11', pair: '6', views: { noisy: { text: '14', pair: '6' } } }], model);
    const behind = '11 20 9.10 8 5 11 21 12.13 8 5';
    expect(question).toMatchObject({ text: '11', pair: `[MASK][MASK] 8 6 ${behind}` });
    expect(question!.views.noisy).toEqual({ text: '14', pair: `[MASK][MASK] 8 6 ${behind}` });
  });

  test('long texts: all fits, the gap stays, the question keeps the most', async () => {
    const long = (token: number) => Array<number>(30).fill(token).join(' ');
    const rows = [11, 12, 13, 14].map((token, i) => ({ text: long(token), label: i < 2 ? 'a' : 'b' }));
    const asked = await demonstrated(model, { ...task, examples: rows, seed: 1 });
    const [row] = await askedRows(model, asked, [{ text: long(15) }], { masks: 1, maxLength: 36 });
    expect(row!.tokens.ids.length).toBeLessThanOrEqual(36);
    expect(row!.places).toHaveLength(1);
    const count = (token: number) => row!.tokens.ids.filter((id) => id === token).length;
    expect(count(15)).toBeGreaterThanOrEqual(8);
    expect(count(9)).toBe(1);
    expect(count(13) + count(14)).toBeGreaterThan(4);
  });

  test('the examples are tokenised once for as much room', async () => {
    const asked = await demonstrated(model, { ...task, examples, seed: 1 });
    const seen: unknown[] = [];
    const tokenizer: TextModel['tokenizer'] = {
      ...model.tokenizer,
      encode(texts, options) {
        seen.push(...texts);
        return model.tokenizer.encode(texts, options);
      },
    };
    const read = async (maxLength: number) => {
      seen.length = 0;
      const [question] = await asked.fill([{ text: '50' }], { tokenizer, maxLength });
      return [question!.text, seen.filter((text) => text !== '50 7 [MASK]').length] as const;
    };
    const [first, second, other] = [await read(40), await read(40), await read(36)];
    expect([first[1], second[1], other[1]]).toEqual([8, 0, 8]);
    expect(second[0]).toBe(first[0]);
  });

  test('no examples, no texts: the pattern itself; a label that the verbalizer lacks is named', async () => {
    expect(await filled([{ text: '11' }], { examples: [] })).toEqual([{ text: '11 7 [MASK]' }]);
    expect(await filled([])).toEqual([]);
    const { message } = await failure(filled([], { examples: [{ text: '1', label: 'c' }, { text: '2' }] }));
    expect(message).toContain("label 'c' in example 1\n- no label in example 2");
    expect((await failure(filled([], { share: 0 }))).message).toContain('demonstrated: share must be a number');
  });

  test('leaves nothing behind', async () => {
    await expectNoLeak(async () => void (await filled([{ text: '11 22' }])));
  });
});
