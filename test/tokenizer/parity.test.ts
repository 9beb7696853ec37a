import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { lengthsWithin } from '../../src/tokenizer/assembled';
import { describeShared, sharedPath } from '../support/shared';
import { libraries, sharedTokenizer } from './sources';

const { Tokenizer } = createRequire(import.meta.url)('tokenizers') as typeof import('tokenizers');
const rows = <Row>(...parts: string[]): Row[] => {
  const bytes = readFileSync(sharedPath('data', ...parts));
  const text = (parts.at(-1)!.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
};

/** 1,000 sentences in five languages, and 100 in each of seven more, with other scripts. */
function sentences(): string[] {
  const sib = (language: string, count: number) =>
    rows<{ text: string }>('sib200', language, 'train.jsonl')
      .slice(0, count)
      .map(({ text }) => text);
  const help = rows<Record<'en' | 'de' | 'es' | 'fr' | 'zh', string>>('libreoffice-help', 'all.jsonl.gz').slice(0, 80);
  return [
    ...['eng', 'deu', 'spa', 'fra', 'zho_Hans'].flatMap((language) => sib(language, 100)),
    ...help.flatMap(({ en, de, es, fr, zh }) => [en, de, es, fr, zh]),
    ...rows<{ text: string }>('clinc150', 'train.jsonl')
      .slice(0, 100)
      .map(({ text }) => text),
    ...['arb', 'hin', 'jpn', 'kor', 'rus', 'tur', 'vie'].flatMap((language) => sib(language, 100)),
  ];
}

/** Puts a mask and an emoji into each text. */
const disturbed = (texts: readonly string[], mask: string): string[] =>
  texts.map((text, i) => `${text.slice(0, i % 20)} 😀 ${mask}${text.slice(i % 20)}`);

for (const model of ['minilm-en', 'e5-multilingual']) {
  describeShared([`models/${model}`, 'data'], `the tokenizer of ${model}`, () => {
    test('both libraries give the same ids, types, offsets and words', async () => {
      const [native, web] = await Promise.all(libraries.map((library) => sharedTokenizer(model, { library })));
      const texts = sentences();
      expect(texts.length).toBe(1700);
      const inputs = [
        ...texts,
        ...disturbed(texts, native!.maskToken!),
        ...texts.map((text, i) => [text, texts[(i * 7 + 3) % texts.length]!] as const),
      ];
      const [ours, theirs] = await Promise.all([native!, web!].map((tokenizer) => tokenizer.encode(inputs, { maxLength: 64 })));
      expect(inputs.filter((_, i) => JSON.stringify(ours![i]) !== JSON.stringify(theirs![i]))).toEqual([]);
      expect(ours!.reduce((most, { ids }) => Math.max(most, ids.length), 0)).toBe(64);
    });

    test('special tokens, types and truncation are those of the library itself', async () => {
      const reference = Tokenizer.fromFile(sharedPath('models', model, 'tokenizer.json'));
      reference.disablePadding();
      const ours = await sharedTokenizer(model);
      const texts = sentences().slice(0, 300);
      const [alone] = await ours.encode([['', '']], { maxLength: 512 });
      for (const room of [500, 37, 36, 15, 14, 0]) {
        const maxLength = room + alone!.ids.length;
        reference.setTruncation(maxLength);
        for (let i = 0; i < texts.length; i += 3) {
          const [first, second] = [texts[i]!, texts[(i * 5 + 1) % texts.length]!];
          const [single, pair] = await ours.encode([first, [first, second]], { maxLength });
          // The library stops reading a text after about maxLength tokens. If both are longer it no longer knows which is the longest, and
          // chance decides which one has the odd token.
          const lengths = (await ours.encode([first, second], { maxLength: 512 })).map(({ ids }) => ids.length);
          if (room % 2 === 1 && Math.min(...lengths) > maxLength) continue;
          for (const [tokens, encoding] of [
            [single!, await reference.encode(first)],
            [pair!, await reference.encode(first, second)],
          ] as const) {
            expect(tokens.ids).toEqual(encoding.getIds());
            expect(tokens.types).toEqual(encoding.getTypeIds());
            expect(tokens.words).toEqual(encoding.getWordIds());
            expect(tokens.sequences).toEqual(encoding.getSequenceIds());
          }
        }
      }
    });

    test('offsets point at the text of the token', async () => {
      const tokenizer = await sharedTokenizer(model);
      const texts = disturbed(
        sentences().filter((_, i) => i % 4 === 0),
        tokenizer.maskToken!,
      );
      for (const [i, { ids, offsets, sequences }] of (await tokenizer.encode(texts, { maxLength: 512 })).entries()) {
        const covered = offsets.map(([start, end]) => texts[i]!.slice(start, end));
        expect(covered[ids.indexOf(tokenizer.maskId!)]).toBe(tokenizer.maskToken);
        expect(covered).toContain('😀');
        expect(offsets.every(([start, end], t) => sequences[t] === null || start <= end)).toBe(true);
      }
    });

    test('ids as text and back', async () => {
      const [native, web] = await Promise.all(libraries.map((library) => sharedTokenizer(model, { library })));
      for (const { ids } of await native!.encode(sentences().slice(0, 200), { maxLength: 64 })) {
        expect(await web!.decode(ids)).toBe(await native!.decode(ids));
        expect(ids.map((id) => native!.idOf(native!.tokenOf(id)!))).toEqual(ids);
        expect(ids.map((id) => web!.tokenOf(id))).toEqual(ids.map((id) => native!.tokenOf(id)));
      }
    });
  });
}

test('lengthsWithin: tokens are taken from the longer text, one by one', () => {
  const slowly = (room: number, first: number, second: number): [number, number] => {
    let [a, b] = [first, second];
    while (a + b > room) {
      if (a > b) a--;
      else if (b > a) b--;
      else if (first > second)
        b--; // Equal: the longer one keeps the odd token,
      else a--; // and so does the second of two as long.
    }
    return [a, b];
  };
  for (let room = 0; room <= 9; room++)
    for (let a = 0; a <= 12; a++)
      for (let b = 0; b <= 12; b++) expect([a, b, room, lengthsWithin(room, a, b)]).toEqual([a, b, room, slowly(room, a, b)]);
});
