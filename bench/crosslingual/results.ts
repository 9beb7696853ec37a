import type { Row } from '../support/report';
import { runFile } from '../support/runFile';
import { inText, spreadOf, type Spread } from '../support/runLines';
import { keyOf, runsByMethod, type SetupKey } from '../support/setupRuns';
import { rounded, total } from '../support/stats';
import { languages, withDictionary, type Language } from './setups';

/** A finished run: one line of the file. */
export interface RunLine extends SetupKey {
  readonly accuracy: Readonly<Record<Language, number>>;
  readonly seconds: number;
  readonly engine: string;
}

export const runs = runFile<SetupKey, RunLine>(keyOf);
export const { readRuns } = runs;

/** All seeds of one setup and method. */
export interface Summary {
  readonly setup: string;
  readonly method: string;
  readonly accuracy: Readonly<Record<Language, Spread>>;
  /** Of the languages with a dictionary. */
  readonly mean: Spread;
  /** What the mean has more than that of `plain` with the same seed, over the seeds that both have; null of `plain`, and without it. */
  readonly gain: Spread | null;
  readonly seeds: readonly number[];
  /** Mean of a run. */
  readonly seconds: number;
}

const meanOf = ({ accuracy }: RunLine): number =>
  total(withDictionary.map((language) => accuracy[language])) / withDictionary.length;

/** One row for each setup and method that was asked for and has runs, in the order in which they were asked for. */
export function summaries(wanted: readonly SetupKey[], lines: readonly RunLine[]): Summary[] {
  const groups = runsByMethod(wanted, lines);
  return groups.map((own) => {
    const { setup, method } = own[0]!;
    const plain = groups.flat().filter((run) => run.setup === setup && run.method === 'plain');
    const gains = own.flatMap((run) => plain.filter(({ seed }) => seed === run.seed).map((other) => meanOf(run) - meanOf(other)));
    return {
      setup,
      method,
      accuracy: Object.fromEntries(
        languages.map((language) => [language, spreadOf(own.map(({ accuracy }) => accuracy[language]))]),
      ) as Record<Language, Spread>,
      mean: spreadOf(own.map(meanOf)),
      gain: method === 'plain' || gains.length === 0 ? null : spreadOf(gains),
      seeds: own.map(({ seed }) => seed),
      seconds: rounded(total(own.map(({ seconds }) => seconds)) / own.length),
    };
  });
}

export const shown = ({ setup, method, accuracy, mean, gain, seeds, seconds }: Summary): Row => ({
  setup,
  method,
  ...Object.fromEntries(languages.map((language) => [language.slice(0, 3), inText({ ...accuracy[language], std: null })])),
  'de es fr zh': inText(mean),
  gain: gain && inText(gain),
  seeds: seeds.length,
  seconds,
});
