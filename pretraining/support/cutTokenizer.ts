/** What the library writes of a trained tokenizer, as far as it is used here. */
export interface Trained {
  readonly normalizer: unknown;
  readonly pre_tokenizer: { readonly type: string; readonly pretokenizers: readonly { readonly type: string }[] };
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly (readonly [string, string])[] };
}

export const specials = {
  bos_token: '<s>',
  cls_token: '<s>',
  pad_token: '<pad>',
  eos_token: '</s>',
  sep_token: '</s>',
  unk_token: '<unk>',
  mask_token: '<mask>',
};
const specialTokens = ['<s>', '<pad>', '</s>', '<unk>', '<mask>'];
const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);

/**
 * The tokenizer of `size` pieces: special tokens, bytes for what is rare, the common characters, then the first merges that fit. Merges
 * are in the order in which they were found, so the first ones are exactly what a smaller training would have given.
 */
export function cutTo({ normalizer, pre_tokenizer, model }: Trained, size: number, isCommon: (character: string) => boolean) {
  const characters = Object.keys(model.vocab).filter((piece) => [...piece].length === 1 && isCommon(piece));
  const pieces = new Set([...specialTokens, ...bytes, ...characters.sort()]);
  /** As text, which older readers want; no piece holds a space. */
  const merges: string[] = [];
  for (const [left, right] of model.merges) {
    if (pieces.size >= size) break;
    if (!pieces.has(left) || !pieces.has(right)) continue;
    merges.push(`${left} ${right}`);
    pieces.add(left + right);
  }
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const sequence = (id: 'A' | 'B', type_id: number) => ({ Sequence: { id, type_id } });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: content === '<mask>',
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer,
    // Older readers know the prefix by this name only.
    pre_tokenizer: {
      ...pre_tokenizer,
      pretokenizers: pre_tokenizer.pretokenizers.map((part) =>
        part.type === 'Metaspace' ? { ...part, add_prefix_space: true } : part,
      ),
    },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('<s>'), sequence('A', 0), special('</s>')],
      pair: [special('<s>'), sequence('A', 0), special('</s>'), sequence('B', 1), { SpecialToken: { id: '</s>', type_id: 1 } }],
      special_tokens: Object.fromEntries(
        ['<s>', '</s>'].map((id) => [id, { id, ids: [specialTokens.indexOf(id)], tokens: [id] }]),
      ),
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: '<unk>',
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries([...pieces].map((piece, id) => [piece, id])),
      merges,
    },
  };
}
