import { HoldfastError } from '../core/errors';
import { replaceParts, replacePattern, type Aligned } from './aligned';
import { literal } from './literal';
import { precompiled } from './precompiled';

export type Normalize = (text: Aligned) => Aligned;

/** The `normalizer` of a tokenizer.json, as far as encoders use it. */
export type NormalizerConfig =
  | {
      readonly type: 'BertNormalizer';
      readonly clean_text: boolean;
      readonly handle_chinese_chars: boolean;
      readonly strip_accents?: boolean | null;
      readonly lowercase: boolean;
    }
  | { readonly type: 'Precompiled'; readonly precompiled_charsmap: string }
  | {
      readonly type: 'Replace';
      readonly pattern: { readonly String: string } | { readonly Regex: string };
      readonly content: string;
    }
  | { readonly type: 'Strip'; readonly strip_left: boolean; readonly strip_right: boolean }
  | { readonly type: 'NFC' | 'NFD' | 'NFKC' | 'NFKD' | 'StripAccents' | 'Lowercase' }
  | { readonly type: 'Sequence'; readonly normalizers: readonly NormalizerConfig[] };

/** Normalises as `tokenizers` does and keeps where each character came from. Character by character: a Greek final sigma stays a sigma, as there. */
export function normalizerOf(config: NormalizerConfig | null | undefined): Normalize {
  switch (config?.type) {
    case undefined:
      return (text) => text;
    case 'Sequence':
      return inTurn(config.normalizers.map(normalizerOf));
    case 'BertNormalizer':
      return bert(config);
    case 'Precompiled':
      return precompiled(config.precompiled_charsmap);
    case 'Lowercase':
      return lowercase;
    case 'StripAccents':
      return stripAllMarks;
    case 'NFC':
    case 'NFKC':
      return inClusters((part) => part.normalize(config.type));
    case 'NFD':
    case 'NFKD': {
      // Character by character first, so that what one is made of stands where it stood; then only the order of the marks is left.
      const replace = (part: string) => part.normalize(config.type);
      return inTurn([perCharacter(replace), inClusters(replace)]);
    }
    case 'Replace': {
      const pattern = 'String' in config.pattern ? literal(config.pattern.String) : config.pattern.Regex;
      const regex = new RegExp(pattern, 'gu');
      return (text) => replacePattern(text, regex, config.content);
    }
    case 'Strip':
      return inTurn([...(config.strip_left ? [without(/^\s+/gu)] : []), ...(config.strip_right ? [without(/\s+$/gu)] : [])]);
    default:
      throw new HoldfastError(
        'bad-tokenizer',
        `tokenizer.json: the normalizer '${(config as { type: string }).type}' is only read by the package 'tokenizers'.`,
      );
  }
}

/** A character and the marks on it: what a normal form looks at together. */
const CLUSTERS = /\P{M}\p{M}*|\p{M}+/gu;

const inTurn =
  (stages: readonly Normalize[]): Normalize =>
  (text) =>
    stages.reduce((current, stage) => stage(current), text);
const inClusters =
  (replace: (cluster: string) => string): Normalize =>
  (text) =>
    replaceParts(text, text.text.match(CLUSTERS) ?? [], replace);
const perCharacter =
  (replace: (character: string) => string): Normalize =>
  (text) =>
    replaceParts(text, text.text, replace);
const without =
  (pattern: RegExp): Normalize =>
  (text) =>
    replacePattern(text, pattern, '');

const lowercase = perCharacter((character) => character.toLowerCase());
const stripMarks = perCharacter((character) => character.replace(/\p{Mn}/u, ''));
/** The normalizer of that name takes spacing and enclosing marks too, BERT's does not. */
const stripAllMarks = perCharacter((character) => character.replace(/\p{M}/u, ''));
const decompose = perCharacter((character) => character.normalize('NFD'));
const clean = perCharacter((character) => {
  if (/[\t\n\r]/.test(character)) return ' ';
  if (/[\0\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u.test(character)) return '';
  return /\s/u.test(character) ? ' ' : character;
});
const CHINESE =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;
const spaceChinese = perCharacter((character) => (CHINESE.test(character) ? ` ${character} ` : character));

function bert({
  clean_text,
  handle_chinese_chars,
  strip_accents,
  lowercase: lower,
}: Extract<NormalizerConfig, { type: 'BertNormalizer' }>): Normalize {
  return inTurn([
    ...(clean_text ? [clean] : []),
    ...(handle_chinese_chars ? [spaceChinese] : []),
    ...((strip_accents ?? lower) ? [decompose, stripMarks] : []),
    ...(lower ? [lowercase] : []),
  ]);
}
