import seedrandom from 'seedrandom';
import type { Row } from '../support/report';
import { runFile } from '../support/runFile';
import { inText, spreadOf, type Spread } from '../support/runLines';
import { keyOf, runsByMethod, type SetupKey } from '../support/setupRuns';
import { rounded, total } from '../support/stats';
import { languages, withDictionary, type Language } from './tasks';

/** A finished run: one line of the file. */
export interface RunLine extends SetupKey {
  readonly accuracy: Readonly<Partial<Record<Language, number>>>;
  /** For each test row 1 where the answer was right, packed by `packed`. */
  readonly right: Readonly<Partial<Record<Language, string>>>;
  readonly seconds: number;
  readonly engine: string;
}

export const runs = runFile<SetupKey, RunLine>(keyOf);
export const { readRuns } = runs;

/** All seeds of one setup and method. */
export interface Summary {
  readonly setup: string;
  readonly method: string;
  readonly accuracy: Readonly<Partial<Record<Language, Spread>>>;
  /** Of the languages with a dictionary. */
  readonly mean: Spread;
  /** What the mean has more than that of `plain` with the same seed, over the seeds that both have; null of `plain`, and without it. */
  readonly gain: Gain | null;
  readonly seeds: readonly number[];
  /** Mean of a run. */
  readonly seconds: number;
}

export interface Gain {
  readonly mean: number;
  /** 95 % of what other seeds and other test rows would have given. */
  readonly interval: readonly [low: number, high: number];
}

const known = ({ accuracy }: Pick<RunLine, 'accuracy'>): Language[] => withDictionary.filter((language) => language in accuracy);
const meanOf = (run: RunLine): number => {
  const asked = known(run);
  return total(asked.map((language) => run.accuracy[language]!)) / asked.length;
};

/** One row for each setup and method that was asked for and has runs, in the order in which they were asked for. */
export function summaries(wanted: readonly SetupKey[], lines: readonly RunLine[]): Summary[] {
  const groups = runsByMethod(wanted, lines);
  return groups.map((own) => {
    const { setup, method } = own[0]!;
    const plain = groups.flat().filter((run) => run.setup === setup && run.method === 'plain');
    const pairs = own.flatMap((run) => plain.filter(({ seed }) => seed === run.seed).map((other) => [run, other] as const));
    return {
      setup,
      method,
      accuracy: Object.fromEntries(
        languages
          .filter((language) => language in own[0]!.accuracy)
          .map((language) => [language, spreadOf(own.map(({ accuracy }) => accuracy[language]!))]),
      ),
      mean: spreadOf(own.map(meanOf)),
      gain: method === 'plain' || pairs.length === 0 ? null : gainOf(pairs),
      seeds: own.map(({ seed }) => seed),
      seconds: rounded(total(own.map(({ seconds }) => seconds)) / own.length),
    };
  });
}

const rounds = 2000;

/** Bootstrap over the seeds and over the test rows, which are parallel: a row is drawn in all languages at once. */
function gainOf(pairs: readonly (readonly [run: RunLine, plain: RunLine])[]): Gain {
  const differences = pairs.map(([run, plain]) => {
    const asked = known(run).map((language) => [unpacked(run.right[language]!), unpacked(plain.right[language]!)] as const);
    return asked[0]![0].map((_, row) => total(asked.map(([its, other]) => its[row]! - other[row]!)) / asked.length);
  });
  const [seeds, rows] = [differences.length, differences[0]!.length];
  const random = seedrandom('gain');
  const draw = (count: number) => Math.floor(random() * count);
  const means = Array.from({ length: rounds }, () => {
    const drawn = Array.from({ length: seeds }, () => differences[draw(seeds)]!);
    let sum = 0;
    for (let n = 0; n < rows; n++) {
      const row = draw(rows);
      for (const ofSeed of drawn) sum += ofSeed[row]!;
    }
    return sum / (seeds * rows);
  }).sort((a, b) => a - b);
  const at = (share: number) => rounded(means[Math.floor(share * (rounds - 1))]!, 4);
  return { mean: rounded(total(differences.flat()) / (seeds * rows), 4), interval: [at(0.025), at(0.975)] };
}

/** Four rows to a hexadecimal digit, after their count. */
export function packed(right: readonly boolean[]): string {
  const digits = Array.from({ length: Math.ceil(right.length / 4) }, (_, n) =>
    [8, 4, 2, 1].reduce((sum, value, place) => sum + (right[4 * n + place] ? value : 0), 0).toString(16),
  );
  return `${right.length}:${digits.join('')}`;
}

export function unpacked(text: string): number[] {
  const [count, digits] = text.split(':') as [string, string];
  return Array.from({ length: Number(count) }, (_, n) => (parseInt(digits[n >> 2]!, 16) >> (3 - (n & 3))) & 1);
}

export const shown = ({ setup, method, accuracy, mean, gain, seeds, seconds }: Summary): Row => ({
  setup,
  method,
  ...Object.fromEntries(
    languages.map((language) => [language.slice(0, 3), accuracy[language] ? inText({ ...accuracy[language], std: null }) : null]),
  ),
  mean: inText(mean),
  gain: gain && inText({ mean: gain.mean, std: null }),
  '95 %': gain && gain.interval.map((mean) => inText({ mean, std: null })).join(' to '),
  seeds: seeds.length,
  seconds,
});
