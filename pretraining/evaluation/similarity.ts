import type { TextModel } from '../../src';
import { readPairs, similarityLanguages } from './data';
import type { SimilarityResult } from './results';
import { spearmanOf } from './spearman';
import { meanOf } from './statistics';
import { vectorsOf } from './vectors';

/** STS-B's test rows in four languages: does the cosine of two sentences' vectors order the pairs as people do? Nothing is trained. */
export async function similarityOf(model: TextModel, shared: string, prefix: string): Promise<SimilarityResult> {
  const spearman: Record<string, number> = {};
  for (const language of similarityLanguages) {
    const pairs = await readPairs(shared, language, 'test');
    const texts = [...new Set(pairs.flatMap(({ sentence1, sentence2 }) => [sentence1, sentence2]))];
    const vectors = await vectorsOf(
      model,
      texts.map((text) => prefix + text),
    );
    const place = new Map(texts.map((text, i) => [text, i]));
    const vectorOf = (text: string) => vectors[place.get(text)!]!;
    spearman[language] = spearmanOf(
      pairs.map(({ sentence1, sentence2 }) => product(vectorOf(sentence1), vectorOf(sentence2))),
      pairs.map(({ score }) => score),
    );
  }
  return { spearman, mean: meanOf(Object.values(spearman)) };
}

const product = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
