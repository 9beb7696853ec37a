import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import type { Encoded } from '../../src/core/types';
import { codeSwitch, cosda, switchCounts } from '../../src/crosslingual/codeSwitch';
import { dictionary } from '../../src/crosslingual/dictionary';
import { loadDictionary } from '../../src/crosslingual/loadDictionary';
import { switchText } from '../../src/crosslingual/switchText';
import { batches } from '../../src/data/batches';
import { disposeBatch } from '../../src/data/disposeBatch';
import { randomOf } from '../../src/data/random';
import { failure } from '../support/failure';
import { toy } from '../support/toy';

const words = dictionary({
  de: [['the', 'die'], ['invoice', 'Rechnung'], ['is', 'ist'], ['red', 'rot'], ['pay', 'zahlen']],
  zh: [['red', '红色'], ['invoice', '发票']],
}); // prettier-ignore
const of = (text: string, language: string, rate = 1) =>
  switchText(text, { dictionary: words, rate, languages: [language] }, randomOf(1));

describe('switchText', () => {
  test('by hand: boundaries, punctuation and the case pattern stay', () => {
    const { text, counts } = of('  The invoice, is it RED? (Red!)', 'de');
    expect(text).toBe('  Die Rechnung, ist it ROT? (Rot!)');
    expect(counts).toEqual({ words: 6, replaced: 5, missing: 1, languages: { de: 5 } });
  });

  test('placeholders, addresses, numbers and the user’s patterns stay', () => {
    const kept = '{red} https://x.y/red red@is.the 2red <red> [RED] %(red)s';
    expect(of(kept, 'de').text).toBe(kept);
    const options = { dictionary: words, rate: 1, languages: ['de'], protect: [/red invoice/] };
    expect(switchText('red invoice, red', options, randomOf(1)).text).toBe('red invoice, rot');
  });

  test('between two Chinese words that replace neighbours there is no space, elsewhere there is', () => {
    expect(of('my red invoice, red box', 'zh').text).toBe('my 红色发票, 红色 box');
    expect(of('red {x} red', 'zh').text).toBe('红色 {x} 红色');
  });

  test('rate 0 changes nothing, no sentence either; what one rate replaces, a higher one does', () => {
    const text = 'the red invoice is the red invoice is the red invoice';
    expect(of(text, 'de', 0).text).toBe(text);
    const none = { dictionary: words, rate: 1, sentenceRate: 0 };
    expect(switchText(text, none, randomOf(1)).text).toBe(text);
    const [low, high] = [of(text, 'de', 0.3).text.split(' '), of(text, 'de', 0.7).text.split(' ')];
    text.split(' ').forEach((word, i) => low[i] === word || expect(high[i]).toBe(low[i]));
    expect(low).not.toEqual(high);
  });

  test('the rate is kept to on many words; bad options are refused', () => {
    const { counts } = of('red '.repeat(4000), 'de', 0.3);
    expect(Math.abs(counts.replaced / counts.words - 0.3)).toBeLessThan(0.03); // 4 standard errors
    expect(() => of('red', 'fr')).toThrow("the dictionary has no language 'fr'; it has de, zh");
    expect(() => of('red', 'de', 2)).toThrow('rate must be a number from 0 to 1, got 2');
  });
});

const rows = Array.from({ length: 6 }, (_, i) => ({ text: `the red invoice ${i}`, pair: 'pay red', label: 'x' }));
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const got: T[] = [];
  for await (const item of items) got.push(item);
  return got;
};

describe('codeSwitch', () => {
  const options = { dictionary: words, rate: 0.5 };

  test('a function of seeds, epoch and row; fixed: of its own seed and the row', async () => {
    const read = (seed: number, epoch: number, more = {}) => all(codeSwitch({ ...options, ...more })(rows)({ seed, epoch }));
    const first = await read(1, 0);
    expect(await read(1, 0)).toEqual(first);
    for (const other of [await read(1, 1), await read(2, 0), await read(1, 0, { seed: 9 })]) expect(other).not.toEqual(first);
    expect(await read(1, 0, { fixed: true })).toEqual(await read(5, 3, { fixed: true }));
    const shorter = await all(
      codeSwitch(options)(rows.map((row, i) => (i === 0 ? { ...row, text: 'red' } : row)))({ seed: 1, epoch: 0 }),
    );
    expect(shorter.slice(1)).toEqual(first.slice(1));
  });

  test('the text stays beside the view, other views too; cosda replaces it; both texts of a pair', async () => {
    const whole = { dictionary: words, rate: 1, languages: ['de'] };
    const given = [{ text: 'red', pair: 'pay', label: 'x', views: { positive: { text: 'blue' } } }];
    const views = { positive: { text: 'blue' }, codeSwitched: { text: 'rot', pair: 'zahlen' } };
    expect(await all(codeSwitch(whole)(given)())).toEqual([{ ...given[0], views }]);
    expect(await all(cosda(whole)(given)())).toEqual([{ ...given[0], text: 'rot', pair: 'zahlen' }]);
    expect(await all(cosda({ ...whole, rate: 0 })(given)())).toEqual(given);
    expect(await switchCounts(given, whole)).toEqual({ words: 2, replaced: 2, missing: 0, languages: { de: 2 } });
  });

  test('batches open it with the run’s seed and the epoch, and have the view as inputs', async () => {
    const model = toy();
    const numbers = dictionary({ xx: Array.from({ length: 6 }, (_, i) => ['abcdef'[i]!, String(i + 1)] as const) });
    const source = codeSwitch({ dictionary: numbers, rate: 0.5 })([{ text: 'a b c d e f', label: 'x' }]);
    const data = batches(source, { head: model.head('a') });
    const seen = async (seed: number, epoch: number) => {
      const [batch] = await all(data.open({ model, seed, epoch }));
      expectTypeOf(batch!.codeSwitched).toEqualTypeOf<Encoded>();
      const [example] = batch!.examples as { views: { codeSwitched: { text: string } } }[];
      expect(batch!.codeSwitched.ids.shape).toEqual([1, 6]);
      disposeBatch(batch!);
      return example!.views.codeSwitched.text;
    };
    expect(await seen(1, 0)).toBe(await seen(1, 0));
    expect(new Set([await seen(1, 0), await seen(1, 1), await seen(1, 2), await seen(2, 0)]).size).toBeGreaterThan(2);
    model.dispose();
  });

  test('what can be read only once is refused', () => {
    const once = (function* () {
      yield rows[0]!;
    })();
    expect(() => codeSwitch(options)(once)).toThrow('can be read only once');
  });
});

describe('dictionaries', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-dictionary-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(path.join(folder, name), content);
    return path.join(folder, name);
  };

  test('coverage counts running words, and names what is missing', () => {
    expect(words.coverage(['The red box, the box', 'pay'])).toEqual({
      ...{ words: 6, known: 4, missing: ['box'] },
      shares: { de: 4 / 6, zh: 1 / 6 },
    });
    expect(words.sizes).toEqual({ de: 5, zh: 2 });
  });

  test('TSV, gzipped and MUSE: several files and languages at once', async () => {
    const loaded = await loadDictionary(
      { path: file('en-de.tsv', 'House\tHaus\nhouse\tGebäude\nice cream\tEis\n'), licence: 'CC0-1.0' },
      file('en-es.tsv.gz', gzipSync('house\tcasa\r\n')),
      { path: file('extra.txt', 'red rot\n'), language: 'de' },
    );
    expect(loaded.languages).toEqual(['de', 'es']);
    expect(loaded.licences).toEqual(['CC0-1.0']);
    expect(loaded.translations('HOUSE', 'de')).toEqual(['Haus', 'Gebäude']);
    expect(loaded.translations('red', 'de')).toEqual(['rot']);
    expect(loaded.translations('house', 'es')).toEqual(['casa']);
    expect((await loadDictionary(file('en-fr.0-5000.txt', 'red rouge\n'))).languages).toEqual(['fr']);
  });

  test('CC-CEDICT is turned round', async () => {
    const lines =
      '# a comment\n紅色 红色 [hong2 se4] /red (color)/\n付款 付款 [fu4 kuan3] /to pay/a sum of money/payment/\n賬單 账单 [zhang4 dan1] /(shop; (also) bar/pub) bill/\n';
    const loaded = await loadDictionary(file('cedict_ts.u8', lines));
    expect(loaded.translations('red', 'zh')).toEqual(['红色']);
    expect(loaded.translations('pay', 'zh')).toEqual(['付款']);
    expect(loaded.translations('bill', 'zh')).toEqual(['账单']);
    expect(loaded.sizes).toEqual({ zh: 4 });
  });

  test.each(['.dict', '.dict.dz'])('dictd: an index beside %s', async (ending) => {
    const entry = 'house /haʊs/ <n>\n1. Haus <n>, Gebäude; das große Ding\n"a house" example\n';
    const bytes = new TextEncoder().encode(`xx\n${entry}`);
    const name = ending === '.dict' ? 'plain-deu' : 'packed-deu';
    file(`${name}${ending}`, ending === '.dict' ? bytes : gzipSync(bytes));
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const size = bytes.length - 3;
    const index = `00databaseinfo\tA\tC\nhouse\tD\t${digits[size >> 6]}${digits[size & 63]}\n`;
    const loaded = await loadDictionary(file(`${name}.index`, index));
    expect(loaded.translations('house', 'deu')).toEqual(['Haus', 'Gebäude']);
  });

  test('errors name file and line, and all of them', async () => {
    const bad = file('bad-de.tsv', 'a\tb\nno tab\n\nthree\tof\tthem\n');
    const { code, issues } = await failure(loadDictionary(bad));
    expect([code, issues.map(({ file: at, line }) => [at, line])]).toEqual(['bad-data', [[bad, 2], [bad, 4]]]); // prettier-ignore
    expect((await failure(loadDictionary('nowhere-de.tsv'))).code).toBe('not-found');
    expect((await failure(loadDictionary(file('words.tsv', 'a\tb')))).message).toContain('tells no language');
    expect((await failure(loadDictionary(file('eng-deu-0.3.tsv', 'a\tb')))).message).toContain('tells no language');
    expect((await failure(loadDictionary(file('none-de.tsv', '\n')))).message).toContain('has no pairs');
  });
});
