import { wordsOf } from './words';

/** Weights by word; words without weight are left out. */
export type Sparse = ReadonlyMap<string, number>;

export interface TfIdf {
  /** The words that the texts had. */
  readonly words: readonly string[];
  /** A text's vector, of length 1, or empty if it has no word that counts. */
  vectorOf(text: string): Sparse;
}

export interface TfIdfOptions {
  /** Whether words that none of the texts had count too, as the rarest ones. Default false. */
  readonly unseen?: boolean;
}

/**
 * Learns from texts which words are rare, and so say much.
 *
 * The weight of word w in a text is `n_w · (1 + ln((1 + N) / (1 + d_w)))`, for a word that stands n_w times in the text and in d_w of the N
 * texts; then the vector is divided by its length. The same numbers as scikit-learn's `TfidfVectorizer`.
 */
export function tfIdf(texts: readonly string[], { unseen = false }: TfIdfOptions = {}): TfIdf {
  const found = new Map<string, number>();
  for (const text of texts) for (const word of new Set(wordsOf(text))) found.set(word, (found.get(word) ?? 0) + 1);
  const rarity = (word: string) => 1 + Math.log((1 + texts.length) / (1 + (found.get(word) ?? 0)));
  return {
    words: [...found.keys()],
    vectorOf(text) {
      const vector = new Map<string, number>();
      for (const word of wordsOf(text)) if (unseen || found.has(word)) vector.set(word, (vector.get(word) ?? 0) + rarity(word));
      const length = Math.sqrt(dot(vector, vector));
      return new Map([...vector].map(([word, weight]) => [word, weight / length]));
    },
  };
}

/** `Σ_w a_w b_w`: the cosine, of vectors of length 1. */
export function dot(a: Sparse, b: Sparse): number {
  let total = 0;
  for (const [word, weight] of a) total += weight * (b.get(word) ?? 0);
  return total;
}
