import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openFolder } from '../../src/model/folder';
import { loadTokenizer } from '../../src/tokenizer/loadTokenizer';
import type { TextInput } from '../../src/model/types';

const folder = fileURLToPath(new URL('../../packages/holdfast-small/', import.meta.url));
const libraries = ['tokenizers', '@xenova/transformers'] as const;
const opened = async (library: (typeof libraries)[number]) => loadTokenizer(await openFolder(folder), { library });
const maxLength = 128;

/** What a text is after the normalizer, which only composes, folds case and unifies variants. */
const sentences: readonly string[] = [
  'Where is my invoice?',
  "I don't know why it costs 19.99, but I paid it twice.",
  'Wie kann ich meine Lieferadresse ändern? Straße und Größe stimmen nicht.',
  'Die Donaudampfschifffahrtsgesellschaft wurde 1829 gegründet.',
  '¿Dónde está mi paquete? El niño comió piñas en la mañana.',
  'El número de teléfono es (555) 123-45-67.',
  "L'été dernier, j'ai commandé « deux œufs » à l'hôtel.",
  'Où est la gare ? À côté de la mairie, bien sûr.',
  '我的包裹在哪里？',
  '北京是中华人民共和国的首都，人口超过两千万。',
  '龘靐齉爩',
  'great 👍🏽, thanks 🎉🎉 and 👩‍👩‍👧!',
  'Mixed 中文 and English, Übergröße in 东京 für 20€ 😀',
  'Привет, мир! שלום こんにちは ٣',
  'wait... what?! -- (really) [yes] {no} #tag @me a_b C:\\x',
  '',
];

describe.skipIf(!existsSync(path.join(folder, 'tokenizer.json')))('holdfast-small', () => {
  test('sizes and special tokens', async () => {
    for (const library of libraries) {
      const tokenizer = await opened(library);
      expect(tokenizer).toMatchObject({ vocabularySize: 18_000, padId: 1, maskId: 4, maskToken: '<mask>' });
      expect(tokenizer.specialIds).toEqual([0, 1, 2, 3, 4]);
    }
  });

  test('both libraries give the same ids, offsets and words', async () => {
    const inputs: TextInput[] = [...sentences, ...sentences.map((text, i) => [text, sentences.at(i - 4)!] as const)];
    const [native, web] = await Promise.all(libraries.map(async (one) => (await opened(one)).encode(inputs, { maxLength })));
    expect(web).toEqual(native);
  });

  test.each(libraries)('%s: decoding gives the normalised text back, and nothing is unknown', async (library) => {
    const tokenizer = await opened(library);
    const unknown = tokenizer.idOf('<unk>');
    for (const text of sentences) {
      const [tokens] = await tokenizer.encode([text], { maxLength });
      expect(await tokenizer.decode(tokens!.ids.slice(1, -1))).toBe(text.normalize('NFKC').toLowerCase());
      expect(tokens!.ids).not.toContain(unknown);
    }
  });

  test.each(libraries)('%s: the mask token within a sentence', async (library) => {
    const tokenizer = await opened(library);
    const [tokens] = await tokenizer.encode(['It was <mask>.'], { maxLength });
    expect(tokens!.ids.map((id) => tokenizer.tokenOf(id))).toEqual(['<s>', '▁it', '▁was', '<mask>', '▁', '.', '</s>']);
    expect(tokens!.ids[3]).toBe(tokenizer.maskId);
  });

  test.each(libraries)('%s: rare characters are bytes, each of which covers its character', async (library) => {
    const tokenizer = await opened(library);
    const [tokens] = await tokenizer.encode(['ok 😀!'], { maxLength });
    expect(tokens!.ids.map((id) => tokenizer.tokenOf(id)).slice(2, 8)).toEqual([
      '▁',
      '<0xF0>',
      '<0x9F>',
      '<0x98>',
      '<0x80>',
      '!',
    ]);
    expect(tokens!.offsets.slice(3, 8)).toEqual([...Array.from({ length: 4 }, () => [3, 5]), [5, 6]]);
  });
});
