import { meanOf, spreadOf } from './statistics';

/** Accuracies of one test, one per seed. */
export interface Accuracy {
  readonly mean: number;
  /** Standard deviation over the seeds (n − 1); null of one run. */
  readonly std: number | null;
  readonly runs: readonly number[];
}

/** How a classifier was trained; `rate` where it has a learning rate. */
export type Recipe = Readonly<Record<string, unknown>> & { readonly rate?: number };

export interface TopicsResult {
  readonly recipe: Recipe;
  readonly seeds: readonly number[];
  /** By language of the test. */
  readonly accuracy: Readonly<Record<string, Accuracy>>;
  /** Mean of the languages without labels, per seed. */
  readonly transfer: Accuracy;
}

/** Spearman's correlation by language, and the mean of them. */
export interface SimilarityResult {
  readonly spearman: Readonly<Record<string, number>>;
  readonly mean: number;
}

export interface MaskedResult {
  /** Share of the hidden tokens that were the first guess, by language. */
  readonly accuracy: Readonly<Record<string, number>>;
  /** How many tokens were hidden, by language. */
  readonly hidden: Readonly<Record<string, number>>;
  readonly mean: number;
}

/** Seconds; medians over fresh processes. */
export interface StartResult {
  readonly import: number;
  readonly load: number;
  readonly predict: number;
  readonly all: number;
  readonly least: number;
  readonly most: number;
  readonly processes: number;
}

export interface Measured {
  readonly name: string;
  /** Day of the measurement. */
  readonly measured: string;
  readonly machine: string;
  readonly parameters: number | null;
  /** Size of model.safetensors. */
  readonly bytes: number | null;
  readonly prefix: string;
  readonly topics?: TopicsResult;
  readonly similarity?: SimilarityResult;
  /** Null for a model without a masked-language head, and without the held-out sentences. */
  readonly masked?: MaskedResult | null;
  readonly start?: StartResult | null;
}

/** Puts the runs of one accuracy, one per seed, together. */
export const accuracyOver = (runs: readonly number[]): Accuracy => ({ mean: meanOf(runs), std: spreadOf(runs), runs });

/** From one record of accuracies by language per seed; the first language is the one with labels. */
export function topicsOver(
  recipe: Recipe,
  seeds: readonly number[],
  languages: readonly string[],
  runs: readonly Readonly<Record<string, number>>[],
): TopicsResult {
  const others = languages.slice(1);
  return {
    recipe,
    seeds,
    accuracy: Object.fromEntries(languages.map((language) => [language, accuracyOver(runs.map((run) => run[language]!))])),
    transfer: accuracyOver(runs.map((run) => meanOf(others.map((language) => run[language]!)))),
  };
}
