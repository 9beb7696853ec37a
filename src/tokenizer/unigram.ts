import type { PieceToken } from './pieces';

/** What an unknown character costs more than the rarest token, as in SentencePiece. */
const UNKNOWN_PENALTY = 10;

interface Best {
  score: number;
  id: number;
  start: number;
}

/**
 * Unigram (Kudo 2018): the most probable way to write a piece in tokens, by dynamic programming over its characters.
 *
 * The library's own one does not find tokens beyond U+FFFF, which many emoji are.
 */
export function unigram(
  vocab: readonly (readonly [token: string, score: number])[],
  unknown: number | undefined,
): (piece: string) => PieceToken[] {
  const entries = new Map(vocab.map(([token, score], id) => [token, { id, score }]));
  const longest = vocab.reduce((most, [token]) => Math.max(most, token.length), 1);
  const unknownScore = vocab.reduce((least, [, score]) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY;

  return (piece) => {
    const best = new Array<Best | undefined>(piece.length + 1);
    const offer = (end: number, score: number, id: number, start: number) => {
      const there = best[end];
      if (!there || score > there.score) best[end] = { score, id, start };
    };
    for (let start = 0; start < piece.length; start += characterLength(piece, start)) {
      const before = best[start]?.score ?? 0;
      const width = characterLength(piece, start);
      let single = false;
      for (let end = start + width; end <= Math.min(piece.length, start + longest); end += characterLength(piece, end)) {
        const entry = entries.get(piece.slice(start, end));
        if (!entry) continue;
        offer(end, before + entry.score, entry.id, start);
        single ||= end === start + width;
      }
      if (!single && unknown !== undefined) offer(start + width, before + unknownScore, unknown, start);
    }
    const tokens: PieceToken[] = [];
    for (let end = piece.length; end > 0;) {
      const step = best[end];
      if (!step) break; // Without an unknown token there may be no way through.
      const after = tokens.at(-1);
      if (after && step.id === unknown && after.id === unknown) after.start = step.start;
      else tokens.push({ id: step.id, start: step.start, end });
      end = step.start;
    }
    return tokens.reverse();
  };
}

const characterLength = (text: string, at: number): number => ((text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1);
