import { utf8Length } from './places';
import { unigram } from './unigram';

/** The `pre_tokenizer` of a tokenizer.json, as far as alignment depends on it. */
export type PreTokenizerConfig =
  | { readonly type: 'Metaspace'; readonly replacement: string; readonly split?: boolean }
  | { readonly type: 'ByteLevel' | 'WhitespaceSplit' | 'Whitespace' }
  | { readonly type: 'Sequence'; readonly pretokenizers: readonly PreTokenizerConfig[] };

/** How the pieces of a pre-tokenizer are written. */
export interface PieceShape {
  /** Stands for a space: ▁. */
  readonly space?: string;
  /** Before which character pieces begin, where the library leaves them together. */
  readonly split?: string;
  /** One character per UTF-8 byte. */
  readonly bytes: boolean;
  /** White space is dropped first, so that each space in a piece is one that was put there. */
  readonly dropsSpace: boolean;
}

export function shapeOf(config: PreTokenizerConfig | null | undefined): PieceShape {
  switch (config?.type) {
    case 'Sequence': {
      const parts = config.pretokenizers.map(shapeOf);
      return Object.assign({}, ...parts, {
        bytes: parts.some(({ bytes }) => bytes),
        dropsSpace: parts.some(({ dropsSpace }) => dropsSpace),
      }) as PieceShape;
    }
    case 'Metaspace': {
      const { replacement, split = true } = config;
      return { bytes: false, dropsSpace: false, space: replacement, ...(split && { split: replacement }) };
    }
    default:
      return {
        bytes: config?.type === 'ByteLevel',
        dropsSpace: config?.type === 'WhitespaceSplit' || config?.type === 'Whitespace',
      };
  }
}

/** '▁a▁b' → '▁a', '▁b'. */
export function beforeEach(piece: string, mark: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let at = piece.indexOf(mark, 1); at > 0; at = piece.indexOf(mark, at + 1)) {
    parts.push(piece.slice(start, at));
    start = at;
  }
  return [...parts, piece.slice(start)];
}

/** What is used of the library's vocabulary model. */
export interface VocabularyModel {
  readonly tokens_to_ids: Map<string, number>;
  readonly vocab: readonly (string | undefined)[];
  readonly unk_token_id?: number;
  readonly cache?: Map<string, unknown>;
  /** Pieces to their tokens, unknown ones not joined. */
  encode(pieces: readonly string[]): string[];
}

export interface ModelConfig {
  readonly type: 'WordPiece' | 'Unigram' | 'BPE';
  readonly vocab?: unknown;
  readonly unk_id?: number | null;
  readonly continuing_subword_prefix?: string | null;
  readonly fuse_unk?: boolean;
  readonly byte_fallback?: boolean;
  readonly merges?: readonly (string | readonly [string, string])[];
}

/** A token and which characters of its piece it covers. */
export interface PieceToken {
  readonly id: number;
  start: number;
  end: number;
}

/** Caches are emptied when they hold this many pieces. */
const CACHED = 20_000;

/** One piece to its tokens. An unknown WordPiece is the whole piece; unknown characters of Unigram, and of BPE if it says so, are joined within the piece. */
export function tokenizerOfPieces(model: VocabularyModel, config: ModelConfig): (piece: string) => readonly PieceToken[] {
  const tokenise =
    config.type === 'Unigram'
      ? unigram(config.vocab as [string, number][], config.unk_id ?? undefined)
      : asLibrary(model, config);
  // Words repeat: most pieces are looked up.
  const known = new Map<string, readonly PieceToken[]>();
  return (piece) => {
    const found = known.get(piece);
    if (found) return found;
    if (known.size >= CACHED) known.clear();
    if (model.cache && model.cache.size >= CACHED) model.cache.clear();
    const tokens = tokenise(piece);
    known.set(piece, tokens);
    return tokens;
  };
}

function asLibrary(model: VocabularyModel, config: ModelConfig): (piece: string) => PieceToken[] {
  const unknown = model.unk_token_id;
  const prefix = config.type === 'WordPiece' ? (config.continuing_subword_prefix ?? '') : '';
  return (piece) => {
    const tokens: PieceToken[] = [];
    let at = 0;
    let bytesLeft = 0;
    for (const token of model.encode([piece])) {
      const id = model.tokens_to_ids.get(token) ?? unknown;
      if (id === undefined) continue; // Without an unknown token, what is not in the vocabulary is left out.
      const before = tokens.at(-1);
      if (config.byte_fallback && BYTE.test(token) && !piece.startsWith(token, at)) {
        // A character written in bytes: each of them covers all of it.
        const character = String.fromCodePoint(piece.codePointAt(at) ?? 0);
        if (bytesLeft === 0) bytesLeft = utf8Length(character);
        tokens.push({ id, start: at, end: at + character.length });
        if (--bytesLeft === 0) at += character.length;
        continue;
      }
      const shown = at > 0 && token.startsWith(prefix) ? token.length - prefix.length : token.length;
      const width =
        id !== unknown ? shown : config.type === 'WordPiece' ? piece.length : (piece.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      if (config.fuse_unk && id === unknown && before?.id === unknown) before.end = at + width;
      else tokens.push({ id, start: at, end: at + width });
      at += width;
    }
    return tokens;
  };
}

const BYTE = /^<0x[0-9A-F]{2}>$/;
