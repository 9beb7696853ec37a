import { readPairs, similarityLanguages, topicLanguages, type TopicExample, type Topics } from './data';
import { fitLogistic, type Logistic } from './logistic';
import { topicsOver, type SimilarityResult, type TopicsResult } from './results';
import { spearmanOf } from './spearman';
import { meanOf } from './statistics';
import { dot, tfIdf } from './tfIdf';

/** C of scikit-learn's `LogisticRegression`: λ = 1 / (C · rows). */
const strengths = [1, 10, 100, 1000];

/** Topics without any pretraining: logistic regression on TF-IDF, its strength chosen on the English dev rows. Nothing is random. */
export function bagOfWordsTopics({ labels, train, dev, tests }: Topics): TopicsResult {
  const { words, vectorOf } = tfIdf(train.map(({ text }) => text));
  const rows = train.map(({ text, label }) => ({ vector: vectorOf(text), target: labels.indexOf(label) }));
  const accuracyOf = (model: Logistic, examples: readonly TopicExample[]) =>
    meanOf(examples.map(({ text, label }) => (labels[indexOfMost(model.chancesOf(vectorOf(text)))] === label ? 1 : 0)));
  const tried = strengths.map((strength) => {
    const model = fitLogistic({ rows, words, classCount: labels.length, decay: 1 / (strength * rows.length) });
    return { strength, model, dev: accuracyOf(model, dev) };
  });
  const best = tried.reduce((kept, other) => (other.dev > kept.dev ? other : kept));
  return topicsOver(
    {
      features: 'TF-IDF of words, of pairs of characters for Chinese',
      classifier: 'logistic regression',
      strength: best.strength,
      tried: tried.map(({ strength, dev: accuracy }) => ({ strength, dev: accuracy })),
    },
    [],
    topicLanguages,
    [Object.fromEntries(topicLanguages.map((language) => [language, accuracyOf(best.model, tests[language]!)]))],
  );
}

/** Cosine of TF-IDF vectors; how rare a word is comes from the sentences of the training part, whose scores are not read. */
export async function bagOfWordsSimilarity(shared: string): Promise<SimilarityResult> {
  const spearman: Record<string, number> = {};
  for (const language of similarityLanguages) {
    const train = await readPairs(shared, language, 'train');
    const test = await readPairs(shared, language, 'test');
    const { vectorOf } = tfIdf(
      train.flatMap(({ sentence1, sentence2 }) => [sentence1, sentence2]),
      { unseen: true },
    );
    spearman[language] = spearmanOf(
      test.map(({ sentence1, sentence2 }) => dot(vectorOf(sentence1), vectorOf(sentence2))),
      test.map(({ score }) => score),
    );
  }
  return { spearman, mean: meanOf(Object.values(spearman)) };
}

const indexOfMost = (values: readonly number[]): number => values.indexOf(Math.max(...values));
