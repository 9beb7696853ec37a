import * as tf from '@tensorflow/tfjs';
import type { Tensor2D } from '@tensorflow/tfjs';
import { HoldfastError, requireCount } from '../core/errors';
import { chunked } from '../data/chunked';
import { groupedBy } from '../data/groupedBy';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import type { TextModel, Tokenizer } from '../model/types';
import { askedRows, atGaps } from './askedRows';
import { requireLabels } from './contrastivePairs';
import { requireOneMask } from './multiToken';
import type { Pattern } from './pattern';
import { verbalizer, type Verbalizer } from './verbalizer';
import { idsAt } from './wordPieces';

/** How well a word fits a label: from its mean log-probability at the gap of the label's own examples, and of all others'. */
export type WordScore = (own: number, others: number) => number;

/** PETAL's choice: how much likelier a word is in examples of the label than in those of others. */
export const likelihoodRatio: WordScore = (own, others) => own - others;

/** LM-BFF's choice: how likely a word is in examples of the label. */
export const likelihood: WordScore = (own) => own;

export interface SearchVerbalizerOptions<Label extends string = string> {
  readonly pattern: Pattern;
  /** Labelled examples. */
  readonly examples: ExampleSource<Example<Label>>;
  /** Words of each label. Default 3. */
  readonly words?: number;
  /** Only so many words take part, the likeliest ones at the gap of all labels' examples. Default 1000. */
  readonly candidates?: number;
  /** Default `likelihoodRatio`. */
  readonly score?: WordScore;
  /** Most rows of one evaluation. Default 16: each has as many numbers as the vocabulary. */
  readonly batchSize?: number;
  /** Most tokens of a filled pattern. Default the model's. */
  readonly maxLength?: number;
}

/** A word and how well it fits its label; the higher the better, comparable within one search. */
export interface FoundWord {
  readonly text: string;
  readonly score: number;
}

export interface FoundVerbalizer<Label extends string = string> {
  readonly verbalizer: Verbalizer<Label>;
  /** Each label's words, the best one first. */
  readonly words: Readonly<Record<Label, readonly FoundWord[]>>;
}

/**
 * Finds words for the labels: those that the model expects in the gap of a label's examples, rather than in that of others'.
 *
 * `score[l, w] = s(mean over x of l of ln p(w | pattern(x)), mean over the other labels of their means)`, with s the difference
 * (`likelihoodRatio`) or the first of both (`likelihood`). A word that fits several labels goes to the one of its highest score.
 *
 * **Needs** a model with a trained masked-language head, a pattern with one `{mask}`, some examples of each label.
 * **Cost** one evaluation of the network for the examples; `batchSize` × vocabulary numbers on the host.
 * **Limits** words are whole tokens of letters; special tokens and pieces of words are left out. What is found fits the examples: read the
 * words, and put out those that fit by chance, of which there are many where examples are few.
 * **Differs from PETAL** in log-probabilities where it has log-odds, and in words that are likely at the gap where it takes those that
 * are frequent in a corpus; **from LM-BFF** in taking the words as they come, where it tries all combinations out and trains with the best.
 * **See also** `verbalizer`, whose weights may prefer the first words.
 *
 * @throws HoldfastError `bad-argument`; `unknown-label` for examples without label; `bad-data` for one label, or if no word is left for one
 * @see Schick et al., Automatically Identifying Words That Can Serve as Labels for Few-Shot Text Classification, COLING 2020, arXiv:2010.13641
 * @see Gao et al., Making Pre-trained Language Models Better Few-shot Learners, ACL 2021, arXiv:2012.15723, section 5.1
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const asked = pattern('It is about {mask}. {text}');
 * const found = await searchVerbalizer(model, { pattern: asked, examples: train, words: 1 });
 * console.log(found.words.invoice);
 * const classifier = clozeClassifier(model, { pattern: asked, verbalizer: found.verbalizer });
 */
export async function searchVerbalizer<Label extends string>(
  model: TextModel,
  options: SearchVerbalizerOptions<Label>,
): Promise<FoundVerbalizer<Label>> {
  const { pattern, examples: source, words: count = 3, candidates = 1000, score = likelihoodRatio } = options;
  const { batchSize = 16, maxLength = model.maxLength } = options;
  requireOneMask('searchVerbalizer', pattern);
  for (const [name, value] of Object.entries({ words: count, candidates, batchSize }))
    requireCount('searchVerbalizer', name, value);
  requireCount('searchVerbalizer', 'maxLength', maxLength, 1, model.maxLength);
  const examples = await readAll<Example<Label>>('searchVerbalizer', source);
  requireLabels('searchVerbalizer', examples);
  const groups = groupedBy(examples, ({ label }) => label!);
  const labels = [...groups.keys()];
  const means: Float64Array[] = [];
  for (const group of groups.values()) means.push(await meanLogs(model, pattern, group, { batchSize, maxLength }));

  const scores = wordScores(means, score);
  const likely = places(means[0]!.length, (id) => means.reduce((sum, mean) => sum + mean[id]!, 0)).slice(0, candidates);
  const found: FoundWord[][] = [];
  for (const own of scores) {
    const mine = likely.filter((id) => scores.every((other) => other === own || own[id]! > other[id]!));
    mine.sort((a, b) => own[b]! - own[a]! || a - b);
    found.push(await firstWords(mine, count, own, pattern, model.tokenizer));
  }
  const lacking = labels.filter((_, l) => found[l]!.length === 0);
  if (lacking.length > 0)
    throw new HoldfastError(
      'bad-data',
      `searchVerbalizer: no word is left for ${lacking.map((label) => `'${label}'`).join(', ')}. Allow more candidates, or write its words yourself.`,
    );
  const byLabel = <T>(of: (l: number) => T) => Object.fromEntries(labels.map((label, l) => [label, of(l)])) as Record<Label, T>;
  return { verbalizer: verbalizer(byLabel((l) => found[l]!.map(({ text }) => text))), words: byLabel((l) => found[l]!) };
}

/** Each label's scores of all words, from the mean log-probabilities of each label's examples: [L][V] → [L][V]. */
export const wordScores = (means: readonly Float64Array[], score: WordScore = likelihoodRatio): Float64Array[] =>
  means.map((own, l) => {
    const others = means.filter((_, k) => k !== l);
    return own.map((value, id) => score(value, others.reduce((sum, mean) => sum + mean[id]!, 0) / others.length));
  });

/** ln p of every word at the gap, the mean over some examples: [V]. */
async function meanLogs(
  model: TextModel,
  pattern: Pattern,
  examples: readonly Example[],
  { batchSize, maxLength }: { readonly batchSize: number; readonly maxLength: number },
): Promise<Float64Array> {
  const rows = await askedRows(model, pattern, examples, { masks: 1, maxLength });
  let sum: Float64Array | undefined;
  // In parts, because all rows together are examples × vocabulary numbers.
  for (const some of chunked(rows, batchSize)) {
    const logs = await atGaps(model, some, batchSize, (scores) => tf.logSoftmax(tf.squeeze<Tensor2D>(scores, [1]))); // [B, V]
    sum ??= new Float64Array(logs[0]!.length);
    for (const row of logs) row.forEach((value, id) => (sum![id] = sum![id]! + value));
  }
  return sum!.map((value) => value / examples.length);
}

/** The first tokens that are words by themselves at the pattern's gap. */
async function firstWords(
  ids: readonly number[],
  count: number,
  scores: Float64Array,
  pattern: Pattern,
  tokenizer: Tokenizer,
): Promise<FoundWord[]> {
  const words: FoundWord[] = [];
  for (const id of ids) {
    if (words.length === count) break;
    if (tokenizer.specialIds.includes(id)) continue;
    const text = (await tokenizer.decode([id])).trim();
    if (!/^[\p{L}\p{M}]+$/u.test(text) || words.some((word) => word.text === text)) continue;
    // What is found must be found again: a piece of a word, or one that this place never has, is another token there.
    const again = await idsAt(pattern.before, text, tokenizer);
    if (again.length === 1 && again[0] === id) words.push({ text, score: scores[id]! });
  }
  return words;
}

const places = (count: number, valueOf: (id: number) => number): number[] => {
  const values = Float64Array.from({ length: count }, (_, id) => valueOf(id));
  return Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
};
