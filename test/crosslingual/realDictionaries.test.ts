import { expect, test } from 'vitest';
import { loadDictionary } from '../../src/crosslingual/loadDictionary';
import { describeShared, sharedPath } from '../support/shared';

const folder = 'data/dictionaries';

describeShared(folder, 'real dictionaries', () => {
  // Pairs as their README counts them, less those that differ in the English word's case alone.
  test.each([
    ['muse-en-de.tsv', 'de', 53193, 'refund', 'erstattung'],
    ['muse-en-es.tsv', 'es', 51041, 'refund', 'reembolso'],
    ['muse-en-fr.tsv', 'fr', 39815, 'refund', 'remboursement'],
    ['muse-en-zh.tsv', 'zh', 21473, 'refund', '退款'],
    ['cedict-en-zh.tsv', 'zh', 85707, 'refund', '退款'],
    ['ding-en-de.tsv.gz', 'de', 284372, 'refund', 'Rückerstattung'],
  ])('%s', async (name, language, pairs, word, translation) => {
    const loaded = await loadDictionary(sharedPath(folder, name));
    expect(loaded.sizes).toEqual({ [language]: pairs });
    expect(loaded.translations(word, language)).toContain(translation);
  });

  test('the languages of several files are side by side', async () => {
    const loaded = await loadDictionary(
      ...['de', 'es', 'fr', 'zh'].map((language) => sharedPath(folder, `muse-en-${language}.tsv`)),
    );
    const { shares, missing } = loaded.coverage(['I want my money back', 'where is the invoice']);
    expect(shares).toEqual({ de: 6 / 9, es: 6 / 9, fr: 6 / 9, zh: 4 / 9 });
    expect(missing).toEqual(['i', 'my', 'is']);
  });
});
