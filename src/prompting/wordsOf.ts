import type { TextInput, Tokenizer } from '../model/types';

/** For each example, the tokens of each of its words. @param length tokens of a row of the batch, the longest one's */
export async function wordsOf(examples: readonly unknown[], tokenizer: Tokenizer, length: number): Promise<number[][][]> {
  const texts = (examples as readonly { readonly text: string; readonly pair?: string }[]).map(({ text, pair }): TextInput =>
    pair === undefined ? text : [text, pair],
  );
  // A row that was cut is as long as the batch, so cutting there gives the same tokens again.
  const rows = await tokenizer.encode(texts, { maxLength: length });
  return rows.map(({ words, sequences }) => {
    const groups = new Map<string, number[]>();
    words.forEach((word, t) => {
      if (word === null) return;
      const key = `${sequences[t]}/${word}`;
      groups.set(key, [...(groups.get(key) ?? []), t]);
    });
    return [...groups.values()];
  });
}
