import { isRecord } from '../model/files';
import { splitterOf, type AddedToken } from './addedTokens';
import { alignedText } from './aligned';
import type { TokenizerDescription } from './description';
import { trimmed, type Pieces, type TokenizerLibrary } from './library';
import { normalizerOf, type NormalizerConfig } from './normalize';
import {
  beforeEach,
  shapeOf,
  tokenizerOfPieces,
  type ModelConfig,
  type PreTokenizerConfig,
  type VocabularyModel,
} from './pieces';
import { placesOf } from './places';

/** What is used of a `PreTrainedTokenizer`. */
interface Web {
  readonly pre_tokenizer: ((text: string, options: { readonly section_index: number }) => string[]) | null;
  readonly model: VocabularyModel;
  decode(ids: readonly number[], options: { readonly clean_up_tokenization_spaces: boolean }): string;
}

interface Package {
  readonly PreTrainedTokenizer: new (json: object, config: object) => unknown;
}

/**
 * `@xenova/transformers` for browsers: its pre-tokenizers and vocabulary models. It normalises only roughly and gives no offsets,
 * so added tokens, normalisation and alignment are done here, as `tokenizers` does them.
 *
 * Same ids, offsets and words as `tokenizers` on all texts tried (14,264 sentences, 16 languages, MiniLM and e5).
 *
 * **Limits** added tokens are looked for in the text as it was written, also those that `tokenizers` looks for after normalisation.
 * A byte order mark within a text is white space to JavaScript and divides words; to `tokenizers` it is not.
 * Which characters are accents or punctuation follows the Unicode version of the JavaScript engine: for BERT, 658 rare characters of
 * 325,731 tried are cut differently, 635 of them accents and punctuation that the version in `tokenizers` does not know yet; for XLM-R none.
 */
export async function importWeb(): Promise<(description: TokenizerDescription) => TokenizerLibrary> {
  // A literal, so that a bundler for the browser takes the package along. Its types miss what is used here.
  const { PreTrainedTokenizer } = (await import('@xenova/transformers')) as unknown as Package;
  return (description) =>
    webLibrary(new PreTrainedTokenizer(readable(description.tokenizer), description.config) as Web, description);
}

function webLibrary(web: Web, { tokenizer }: TokenizerDescription): TokenizerLibrary {
  const added = (tokenizer.added_tokens ?? []) as AddedToken[];
  const split = splitterOf(added);
  const normalize = normalizerOf(tokenizer.normalizer as NormalizerConfig | null);
  const shape = shapeOf(tokenizer.pre_tokenizer as PreTokenizerConfig | null);
  const tokensOf = tokenizerOfPieces(web.model, tokenizer.model as ModelConfig);

  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  // The library puts added tokens into the vocabulary, where they would be found within words.
  const own = (tokenizer.model as ModelConfig).vocab;
  for (const content of addedIds.keys())
    if (isRecord(own) && !Object.hasOwn(own, content)) web.model.tokens_to_ids.delete(content);

  const encodeOne = (given: string): Pieces => {
    const text = given.replace(/\p{Cs}/gu, '\ufffd'); // A lone surrogate is no character; as long as before.
    const result = { ids: [] as number[], offsets: [] as [number, number][], words: [] as number[] };
    let word = 0;
    split(text).forEach(({ start, end, added: id }, section) => {
      if (id !== undefined) {
        result.ids.push(id);
        result.offsets.push(trimmed(text, start, end));
        result.words.push(word++);
        return;
      }
      const aligned = normalize(alignedText(text.slice(start, end), start));
      if (aligned.text === '') return;
      const whole = web.pre_tokenizer ? web.pre_tokenizer(aligned.text, { section_index: section }) : [aligned.text];
      const pieces = shape.split ? whole.flatMap((piece) => beforeEach(piece, shape.split!)) : whole;
      const places = placesOf(pieces, aligned, shape);
      pieces.forEach((piece, p) => {
        const { from, to } = places[p]!;
        for (const token of tokensOf(piece)) {
          result.ids.push(token.id);
          result.offsets.push(trimmed(text, from[token.start] ?? start, to[token.end - 1] ?? start));
          result.words.push(word);
        }
        word++;
      });
    });
    return result;
  };

  return {
    encode: (texts) => Promise.resolve(texts.map(encodeOne)),
    idOf: (token) => addedIds.get(token) ?? web.model.tokens_to_ids.get(token),
    tokenOf: (id) => web.model.vocab[id],
    decode: (ids) => Promise.resolve(ids.length === 0 ? '' : web.decode([...ids], { clean_up_tokenization_spaces: false })),
  };
}

/**
 * The file as this version of the library expects it: merges of BPE as strings, Metaspace's older field, and punctuation and digits as patterns,
 * because the library's own stages leave a run of punctuation together and know ASCII digits only. The normalizer is ours.
 */
function readable({ model, pre_tokenizer, decoder, ...rest }: TokenizerDescription['tokenizer']): object {
  const config = model as ModelConfig;
  const merges = config.merges?.map((merge) => (typeof merge === 'string' ? merge : merge.join(' ')));
  return {
    ...rest,
    normalizer: null,
    pre_tokenizer: readableStage(pre_tokenizer),
    decoder: readableStage(decoder),
    model: { ...config, ...(merges && { merges }) },
  };
}

function readableStage(config: unknown): unknown {
  if (!isRecord(config)) return config;
  const lists = ['pretokenizers', 'decoders'].filter((name) => Array.isArray(config[name]));
  const nested = Object.fromEntries(lists.map((name) => [name, (config[name] as unknown[]).map(readableStage)]));
  if (config.type === 'Punctuation' && (config.behavior ?? 'Isolated') === 'Isolated') return isolated('[!-/:-@\\[-`{-~\\p{P}]');
  if (config.type === 'Digits') return isolated(config.individual_digits === true ? '\\p{N}' : '\\p{N}+');
  const space = config.type === 'Metaspace' ? { add_prefix_space: config.prepend_scheme !== 'never' } : {};
  return { ...space, ...config, ...nested };
}

const isolated = (Regex: string): object => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
