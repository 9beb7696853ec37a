import { replaceParts } from './aligned';
import type { Normalize } from './normalize';

/**
 * SentencePiece's compiled normalisation (`precompiled_charsmap`): a double-array trie from UTF-8 bytes to replacements.
 *
 * The map is: size of the trie in bytes (uint32), the trie (uint32 each), the replacements (UTF-8, ended by 0). A grapheme of
 * less than 6 bytes is looked up as a whole, otherwise its characters are. As `tokenizers` does, the shortest key that fits decides.
 */
export function precompiled(base64: string): Normalize {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const size = view.getUint32(0, true);
  const trie = Uint32Array.from({ length: size / 4 }, (_, i) => view.getUint32(4 + 4 * i, true));
  const replacements = bytes.subarray(4 + size);
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

  const find = (key: Uint8Array): string | undefined => {
    let node = offsetOf(trie[0]!);
    for (const byte of key) {
      if (byte === 0) return undefined;
      node ^= byte;
      const unit = trie[node];
      if (unit === undefined || labelOf(unit) !== byte) return undefined;
      node ^= offsetOf(unit);
      if (hasLeaf(unit)) {
        const start = trie[node]! & 0x7fffffff;
        return decoder.decode(replacements.subarray(start, replacements.indexOf(0, start)));
      }
    }
    return undefined;
  };
  // Characters repeat: most are looked up.
  const known = new Map<string, string | undefined>();
  const lookUp = (part: string): string | undefined => {
    if (known.has(part)) return known.get(part);
    const found = find(encoder.encode(part));
    if (known.size < CACHED) known.set(part, found);
    return found;
  };
  const partsOf = (grapheme: string): readonly string[] => {
    if (grapheme.length === 1) return [grapheme];
    const whole = encoder.encode(grapheme).length < 6 && lookUp(grapheme) !== undefined;
    return whole ? [grapheme] : [...grapheme];
  };
  const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

  return (text) => {
    const graphemes = SINGLE.test(text.text) ? text.text : Array.from(segmenter.segment(text.text), ({ segment }) => segment);
    return replaceParts(text, Array.from(graphemes, partsOf).flat(), (part) => lookUp(part) ?? part);
  };
}

const CACHED = 20_000;

/** Scripts in which each character is a grapheme: no need to ask the slow segmenter. */
const SINGLE =
  /^[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u9fff\uff00-\uff9d]*$/;

// One node of the trie (Darts-clone): label in the low byte, bit 8 says that a value follows, the rest is the offset of the children.
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1;
const labelOf = (unit: number): number => unit & 0x800000ff;
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
