import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { demoDictionary } from '../../src/crosslingual/demoDictionary';
import { switchText } from '../../src/crosslingual/switchText';
import { randomOf } from '../../src/data/random';

const demo = demoDictionary();

describe('demoDictionary', () => {
  test('four languages, every row complete, free to pass on', () => {
    expect(demo.languages).toEqual(['de', 'es', 'fr', 'zh']);
    expect(demo.licences).toEqual(['CC0-1.0']);
    expect(demo.sizes['de']).toBeGreaterThan(171);
    const empty = ['the'].flatMap((word) => demo.languages.filter((language) => demo.translations(word, language).length === 0));
    expect(empty).toEqual(['zh']);
    expect(demo.languages.map((language) => demo.translations('refund', language))).toEqual([
      ['Rückerstattung'], ['reembolso'], ['remboursement'], ['退款'],
    ]); // prettier-ignore
    expect(demo.translations('please', 'fr')).toEqual(["s'il vous plaît"]);
  });

  test('it knows more than half of the running words of the demo’s texts', () => {
    const lines = readFileSync(new URL('../../examples/data/support/train.jsonl', import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const { words, known } = demo.coverage(lines.map((line) => (JSON.parse(line) as { text: string }).text));
    expect(known / words).toBeGreaterThan(0.5);
  });

  test('by hand', () => {
    const whole = (language: string) =>
      switchText('Where is the parcel, please?', { dictionary: demo, rate: 1, languages: [language] }, randomOf(1)).text;
    expect(whole('fr')).toMatch(/^Où est l[ea] colis, s'il vous plaît\?$/);
    expect(whole('zh')).toBe('哪里是 the 包裹, 请?');
  });
});
