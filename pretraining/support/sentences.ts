import type { Language } from './rows';

/** What is left of a text for comparison: letters and digits, so that case, spaces and punctuation do not count. */
export const keyOf = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]/gu, '');

const segmenters = new Map<Language, Intl.Segmenter>();

/** A paragraph's sentences, without marks of footnotes and invisible characters. */
export function sentencesOf(paragraph: string, lang: Language): string[] {
  const segmenter = segmenters.get(lang) ?? new Intl.Segmenter(lang, { granularity: 'sentence' });
  segmenters.set(lang, segmenter);
  return Array.from(segmenter.segment(cleaned(paragraph)), ({ segment }) => segment.trim()).filter(Boolean);
}

export const cleaned = (text: string): string =>
  text
    .replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/\[(?:\d+|citation needed|cita requerida)\]/g, '')
    .replace(/\s+/g, ' ')
    .trim();

/** Whether a sentence is worth training on: long enough, not mostly digits and signs, and in the language that it claims. */
export function isGood(text: string, lang: Language): boolean {
  const [least, most] = lang === 'zh' ? [4, 150] : [8, 300];
  if (text.length < least || text.length > most) return false;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (letters < 0.5 * text.replace(/\s/g, '').length) return false;
  return looksLike(text, lang);
}

/** Untranslated paragraphs of manuals show by their function words; Chinese ones by their characters. */
export function looksLike(text: string, lang: Language): boolean {
  if (lang === 'zh') return (text.match(/\p{Script=Han}/gu)?.length ?? 0) >= 0.3 * text.replace(/\s/g, '').length;
  const hits = new Map<Language, number>();
  for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? [])
    for (const one of wordLanguages.get(word) ?? []) hits.set(one, (hits.get(one) ?? 0) + 1);
  const own = hits.get(lang) ?? 0;
  return [...hits].every(([other, count]) => other === lang || count < 2 || count <= own);
}

const functionWords: Partial<Record<Language, string>> = {
  en: 'the of and to in is that it you for with as this be are on by an at from or have can if not your will was which',
  de: 'der die das und zu in ist nicht den von sie mit ein eine im auf für dem des sich auch als es an werden oder wird wenn',
  es: 'el la los las de y que en es un una por con para del se no al lo como su o si más está este puede cuando',
  fr: 'le la les de et que en est un une des pour avec dans du se ne pas au ce par sur ou si vous votre il cette plus',
};

const wordLanguages = new Map<string, Language[]>();
for (const [lang, words] of Object.entries(functionWords))
  for (const word of words.split(' ')) wordLanguages.set(word, [...(wordLanguages.get(word) ?? []), lang as Language]);
