import { describe, expect, test } from 'vitest';
import { dot, tfIdf } from '../../pretraining/evaluation/tfIdf';
import { wordsOf } from '../../pretraining/evaluation/words';
import { fixture } from '../support/fixture';

describe('words', () => {
  test('are in lower case, without punctuation, numbers apart', () => {
    expect(wordsOf('Don’t panic: Über-Öl, ２ or 3rd!')).toEqual(['don', 't', 'panic', 'über', 'öl', '2', 'or', '3', 'rd']);
  });
  test('of Chinese are pairs of characters, also beside Latin letters', () => {
    expect(wordsOf('我爱猫。用USB线')).toEqual(['我爱', '爱猫', '用', 'usb', '线']);
  });
});

describe('by hand: two texts, "a b b" and "a c"', () => {
  const rare = 1 + Math.log(3 / 2);
  test('a word of both texts weighs 1, one of a single text 1 + ln 3/2', () => {
    const { words, vectorOf } = tfIdf(['a b b', 'a c']);
    expect(words).toEqual(['a', 'b', 'c']);
    const length = Math.hypot(1, 2 * rare);
    const vector = vectorOf('b a b');
    expect(vector.get('a')).toBeCloseTo(1 / length, 12);
    expect(vector.get('b')).toBeCloseTo((2 * rare) / length, 12);
  });
  test('a word that no text had is left out, or the rarest', () => {
    expect([...tfIdf(['a b b', 'a c']).vectorOf('a z').keys()]).toEqual(['a']);
    const z = tfIdf(['a b b', 'a c'], { unseen: true }).vectorOf('a z').get('z')!;
    const rarest = 1 + Math.log(3);
    expect(z).toBeCloseTo(rarest / Math.hypot(1, rarest), 12);
  });
});

test('scikit-learn', () => {
  const { texts, words, vectors } = fixture<{ texts: string[]; words: string[]; vectors: number[][] }>('evaluation.json');
  const { words: found, vectorOf } = tfIdf(texts);
  expect([...found].sort()).toEqual(words);
  texts.forEach((text, i) => words.forEach((word, w) => expect(vectorOf(text).get(word) ?? 0).toBeCloseTo(vectors[i]![w]!, 12)));
});

describe('limits', () => {
  test('a text is like itself, and not like one with other words', () => {
    const { vectorOf } = tfIdf(['a b', 'c d']);
    expect(dot(vectorOf('a b'), vectorOf('b a'))).toBeCloseTo(1, 12);
    expect(dot(vectorOf('a b'), vectorOf('c d'))).toBe(0);
  });
  test('a text without known words has no direction', () => {
    const { vectorOf } = tfIdf(['a b']);
    expect(dot(vectorOf('?!'), vectorOf('a'))).toBe(0);
  });
});
