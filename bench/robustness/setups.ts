import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder as small } from 'holdfast-small';
import { intentTasks, type Intent, type TaskFiles } from '../../examples/support/intents';
import { keyboardTypos, letterDrops, letterSwaps, synonymSwaps, upperCased, type TextPerturbation } from '../../src/adversarial';
import { demoDictionary, loadDictionary, switchText, type Dictionary } from '../../src/crosslingual';
import { firstOfEach } from '../support/firstOfEach';
import { whole } from '../support/runLines';
import { setupOptions, type SetupOptions } from '../support/setupRuns';
import { methods } from './methods';

/** What is learned, by which encoder, and from how much. */
export interface Setup {
  readonly model: string;
  readonly files: TaskFiles;
  /** Groups of intents, in alphabetical order. */
  readonly tasks: number;
  readonly perIntent: number;
  readonly testPerIntent: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly headRate: number;
  /** Where the dictionaries are; none: the one that the library carries. */
  readonly dictionaries: readonly string[];
  /** WordNet's synonyms; none: no such kind. */
  readonly synonyms?: string;
}

const fromHere = (relative: string) => path.relative('', fileURLToPath(new URL(relative, import.meta.url)));
const shared = (name: string) => fromHere(`../../../shared/${name}`);
const filesIn = (folder: string, test: string): TaskFiles => ({
  train: path.join(folder, 'train.jsonl'),
  test: path.join(folder, test),
});

/** Counts up when a change makes earlier runs another measurement. */
export const version = 1;

export const setups: Readonly<Record<string, Setup>> = {
  support: {
    model: small,
    files: filesIn(fromHere('../../examples/data/support'), 'test.en.jsonl'),
    ...{ tasks: Infinity, perIntent: 20, testPerIntent: Infinity, epochs: 10, learningRate: 1e-3, headRate: 1e-2 },
    dictionaries: [],
  },
  clinc150: {
    model: shared('models/minilm-en'),
    files: filesIn(shared('data/clinc150'), 'test.jsonl'),
    ...{ tasks: 4, perIntent: 20, testPerIntent: 10, epochs: 4, learningRate: 3e-4, headRate: 1e-2 },
    dictionaries: ['de', 'es', 'fr'].map((language) => shared(`data/dictionaries/muse-en-${language}.tsv`)),
    synonyms: shared('data/synonyms-en/synonyms.tsv'),
  },
};

/** What the command line asks for, and how often the costs are timed. Throws with a message for the user. */
export function robustnessOptions(args: string[]): SetupOptions & { readonly rounds: number } {
  const names = Object.keys(setups);
  // Those that this machine has everything for.
  const usual = names.filter((name) => needs(setups[name]!).every((place) => existsSync(place)));
  const choice = { bench: 'robustness', setups: names, methods: Object.keys(methods), usual, smallest: ['support'] };
  const { rounds, ...options } = setupOptions(args, choice);
  return { ...options, rounds: whole('rounds', rounds ?? (options.small ? '1' : '5'), 0) };
}

/** What must lie on this machine. */
export const needs = ({ model, files, dictionaries, synonyms }: Setup): string[] => [
  model,
  ...[files.train, files.test, ...dictionaries],
  ...(synonyms === undefined ? [] : [synonyms]),
];

export const batchSize = 32;

export interface Rows {
  readonly labels: readonly string[];
  readonly train: readonly Intent[];
  readonly test: readonly Intent[];
}

/** The rows to learn from and to be asked, of all groups together. */
export async function rowsOf({ files, tasks, perIntent, testPerIntent }: Setup, seed: number): Promise<Rows> {
  const all = await intentTasks(files, { tasks, perIntent, seed });
  const test = firstOfEach(
    all.flatMap((task) => task.test),
    testPerIntent,
  );
  return { labels: all.flatMap(({ labels }) => labels), train: all.flatMap((task) => task.train), test };
}

export const dictionaryOf = async ({ dictionaries }: Setup): Promise<Dictionary> =>
  dictionaries.length > 0 ? loadDictionary(...dictionaries) : demoDictionary();

/** A third of the words each, and all of them in capitals. */
export function kindsOf({ synonyms }: Setup, dictionary: Dictionary): Record<string, TextPerturbation> {
  const rate = 1 / 3;
  return {
    typos: keyboardTypos({ rate }),
    swaps: letterSwaps({ rate }),
    drops: letterDrops({ rate }),
    capitals: upperCased(),
    ...(synonyms !== undefined && { synonyms: synonymSwaps({ rate, table: synonymsIn(synonyms) }) }),
    'code-switched': (text, random) => switchText(text, { dictionary, rate }, random).text,
  };
}

/** A line: word, part of speech, synonyms with spaces between them. */
function synonymsIn(file: string): Map<string, string[]> {
  const table = new Map<string, string[]>();
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [word = '', , synonyms = ''] = line.split('\t');
    table.set(word, [...(table.get(word) ?? []), ...synonyms.split(' ').filter(Boolean)]);
  }
  return table;
}
