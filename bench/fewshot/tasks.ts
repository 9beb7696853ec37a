import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder as small } from 'holdfast-small';
import type { ReadOptions } from '../../src/data/fields';
import { pattern, type Pattern } from '../../src/prompting/pattern';
import { verbalizer } from '../../src/prompting/verbalizer';
import type { ClozeTask } from '../../src/prompting/wordPieces';

/** What the methods know of a task beside its rows. */
export interface Meaning {
  readonly cloze: ClozeTask;
  /** Other ways to ask, for what asks in several. */
  readonly patterns?: readonly Pattern[];
  /** What each label means, as a sentence. None: the rows are pairs whose labels are those of inference. */
  readonly descriptions?: Readonly<Record<string, string>>;
  /** Rounds of pairs of `setFit`. */
  readonly setFitPairs: number;
}

export interface FewShotTask extends Meaning {
  /** Folders of models: one for vectors, one that fills gaps. */
  readonly encoder: string;
  readonly masked: string;
  /** What the encoder was trained to read before each text. */
  readonly prefix?: string;
  readonly fields?: ReadOptions;
  /** Texts without labels. */
  readonly unlabelled?: string;
  readonly files: (split: number) => { readonly train: string; readonly dev: string; readonly test: string };
}

const shared = (...parts: string[]) =>
  path.join(path.relative('', fileURLToPath(new URL('../../../shared', import.meta.url))), ...parts);
const english = { encoder: shared('models/minilm-en'), masked: shared('models/minilm-en-mlm') };

/** The splits of Gao et al.; a task whose splits are numbered otherwise has its own at the same places. */
export const seeds = [13, 21, 42, 87, 100];

const kShot = (name: string) => (seed: number) => ({
  train: shared('data', name, String(seed), 'train.jsonl'),
  dev: shared('data', name, String(seed), 'dev.jsonl'),
  test: shared('data', name, 'test.jsonl'),
});

export const inferenceRows = shared('data/nli-9k/train.jsonl.gz');

export const tasks: Readonly<Record<string, FewShotTask>> = {
  sst2: {
    ...english,
    files: kShot('sst2-kshot'),
    setFitPairs: 10,
    cloze: {
      pattern: pattern('{text} It was {mask}.'),
      verbalizer: verbalizer({ positive: ['great', 'good'], negative: ['terrible', 'bad'] }),
    },
    descriptions: { positive: 'It was great.', negative: 'It was terrible.' },
  },
  trec: {
    ...english,
    files: kShot('trec-kshot'),
    setFitPairs: 5,
    cloze: {
      pattern: pattern('{mask}: {text}'),
      verbalizer: verbalizer({
        description: 'description',
        entity: 'entity',
        abbreviation: 'expression',
        human: 'human',
        location: 'location',
        number: 'number',
      }),
    },
    descriptions: {
      description: 'It asks for a description.',
      entity: 'It asks for a thing.',
      abbreviation: 'It asks for an abbreviation.',
      human: 'It asks for a person.',
      location: 'It asks for a place.',
      number: 'It asks for a number.',
    },
  },
  rte: {
    ...english,
    files: kShot('rte-kshot'),
    fields: { text: 'premise', pair: 'hypothesis' },
    setFitPairs: 10,
    cloze: {
      pattern: pattern('{text}? {mask}, {pair}'),
      verbalizer: verbalizer({ entailment: 'yes', not_entailment: 'no' }),
    },
  },
  eprstmt: {
    encoder: shared('models/e5-multilingual'),
    // The one model with a masked-language head that knows Chinese.
    masked: small,
    prefix: 'query: ',
    files(seed) {
      const file = (name: string) => shared('data/eprstmt', `${name}.jsonl`);
      const split = seeds.indexOf(seed);
      return { train: file(`train_${split}`), dev: file(`dev_${split}`), test: file('test_public') };
    },
    setFitPairs: 10,
    unlabelled: shared('data/eprstmt/unlabeled.jsonl'),
    patterns: [pattern('{text}总之，很{mask}。'), pattern('这个东西{mask}！{text}')],
    cloze: { pattern: pattern('很{mask}。{text}'), verbalizer: verbalizer({ positive: '好', negative: '差' }) },
    descriptions: { positive: '这个东西很好。', negative: '这个东西很差。' },
  },
};
