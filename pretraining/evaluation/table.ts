import { format } from '../../src';
import { similarityLanguages, topicLanguages } from './data';
import type { Accuracy, Measured, StartResult } from './results';

const percent = (value: number): string => (100 * value).toFixed(1);

/** `84.3 ± 0.5`, in per cent; without the spread where there is one run. */
const accuracyText = ({ mean, std }: Accuracy): string => (std === null ? percent(mean) : `${percent(mean)} ± ${percent(std)}`);

const cells = (names: readonly string[], cell: (name: string) => string | null): Record<string, string | null> =>
  Object.fromEntries(names.map((name) => [name, cell(name)]));

/** Tables of all models, one for each kind of measurement; in per cent where nothing else is said. */
export function tablesOf(models: readonly Measured[]): string {
  const sections: string[] = [];
  const add = (title: string, rows: readonly Record<string, string | null>[]) =>
    rows.length > 0 && sections.push(`${title}\n${format(rows)}`);
  add(
    'Topic of a sentence (SIB-200), accuracy; trained on English rows only, mean ± standard deviation over the seeds',
    models.flatMap(({ name, topics }) =>
      topics
        ? [
            {
              model: name,
              ...cells(topicLanguages, (language) => accuracyText(topics.accuracy[language]!)),
              'mean without eng': accuracyText(topics.transfer),
              'learning rate': topics.recipe.rate === undefined ? null : String(topics.recipe.rate),
            },
          ]
        : [],
    ),
  );
  add(
    "Similarity of sentences (STS-B test), Spearman's correlation x 100 of the cosine; nothing is trained",
    models.flatMap(({ name, similarity }) =>
      similarity
        ? [
            {
              model: name,
              ...cells(similarityLanguages, (language) => percent(similarity.spearman[language]!)),
              mean: percent(similarity.mean),
            },
          ]
        : [],
    ),
  );
  add(
    'Hidden tokens guessed right in held-out sentences (15 % hidden); each model has its own tokens',
    models.flatMap(({ name, masked }) =>
      masked
        ? [
            {
              model: name,
              ...cells(Object.keys(masked.accuracy), (language) => percent(masked.accuracy[language]!)),
              mean: percent(masked.mean),
            },
          ]
        : [],
    ),
  );
  add(
    'Size, and seconds from import to the first prediction (median of fresh processes)',
    models
      .filter(({ parameters, start }) => parameters !== null || start)
      .map(({ name, parameters, bytes, start }) => ({
        model: name,
        'parameters M': parameters === null ? null : (parameters / 1e6).toFixed(2),
        MB: bytes === null ? null : (bytes / 1e6).toFixed(1),
        ...cells(['import', 'load', 'predict', 'all'], (part) => (start ? start[part as keyof StartResult].toFixed(2) : null)),
      })),
  );
  return sections.join('\n\n');
}
