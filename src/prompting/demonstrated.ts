import { requireCount, requirePositive } from '../core/errors';
import { findings } from '../data/issues';
import { drawBelow, randomOf } from '../data/random';
import type { Example } from '../data/types';
import type { TextModel, Tokenizer } from '../model/types';
import type { Pattern, PatternRoom } from './pattern';
import { unitVectors } from './unitVectors';
import type { ClozeTask } from './wordPieces';

export interface DemonstratedOptions<Label extends string = string> extends ClozeTask<Label> {
  /** Labelled examples that demonstrations are drawn from. A label without any is not demonstrated. */
  readonly examples: readonly Example[];
  readonly seed: number;
  /** Share of a label's examples, the most similar ones, among which the draw is; above 0 to 1. Default 0.5. */
  readonly share?: number;
  /** Most rows of one evaluation. Default 32. */
  readonly batchSize?: number;
}

/**
 * LM-BFF's demonstrations: after each question stand answered ones, one for each label, so that the model sees what is asked for.
 *
 * The result is a pattern, which goes where the given one would: `'nice day It was [MASK].'` becomes
 * `'nice day It was [MASK]. a fine film It was great. how dull It was bad.'` For each label one example is drawn among the half that is
 * most similar to the text, by the cosine of the model's pooled vectors; its gap is filled with the label's heaviest word. A text is
 * never its own demonstration. Draws are a function of seed and text, so the same text always gets the same ones.
 *
 * **Needs** a model for the vectors that is not trained meanwhile: a copy, or a sentence encoder.
 * **Cost** one evaluation of that model for each text, at each filling, and as much longer inputs as there are labels.
 * **Limits** a demonstration gets at most an equal part of `maxLength` with the question and the others; the question gets what they leave.
 * With a pair the demonstrations follow the second text.
 * **Differs from the paper** in a space between demonstrations where it has a separator, and in one draw per text where it draws anew
 * in training and takes the mean of 16 draws afterwards: an `ensemble` of classifiers with different seeds does the latter.
 * **See also** `pattern`, `ensemble`.
 *
 * @param model gives the vectors
 * @throws HoldfastError `bad-argument`; `unknown-label` with all examples whose label the verbalizer lacks; when filled, as `pattern` does
 * @see Gao et al., Making Pre-trained Language Models Better Few-shot Learners, ACL 2021, arXiv:2012.15723, section 6
 * @example
 * model.addMaskedLmHead({ seed: 1 });
 * const task = { pattern: pattern('{text} ({mask})'), verbalizer: verbalizer({ invoice: 'bill', refund: 'money' }) };
 * const reader = model.clone();
 * const asked = await demonstrated(reader, { ...task, examples: train, seed: 1 });
 * const [answer] = await clozeClassifier(model, { ...task, pattern: asked }).predict(['where is it']);
 */
export async function demonstrated<Label extends string>(
  model: TextModel,
  { pattern, verbalizer, examples, seed, share = 0.5, batchSize = 32 }: DemonstratedOptions<Label>,
): Promise<Pattern> {
  requirePositive('demonstrated', 'share', share, 1);
  requireCount('demonstrated', 'batchSize', batchSize);
  requireLabels(examples, verbalizer.labels);
  const reading = { batchSize, maxLength: model.maxLength };
  const vectors = await unitVectors(model, examples, reading);
  // Side by side by label, and each with its place among the examples.
  const groups = verbalizer.labels
    .map((label) => examples.flatMap((example, i) => (example.label === label ? [i] : [])))
    .filter(({ length }) => length > 0);
  const words = new Map(verbalizer.labels.map((label, l) => [label as string, heaviest(verbalizer.words[l]!)]));

  /** For each text the places of its demonstrations. */
  const chosen = async (texts: readonly Example[]): Promise<number[][]> => {
    const own = await unitVectors(model, texts, reading);
    return texts.map((text, t) => {
      const random = randomOf(seed, 'demonstrations', text.text, text.pair ?? '');
      return groups.flatMap((group) => {
        const others = group.filter((i) => examples[i]!.text !== text.text || examples[i]!.pair !== text.pair);
        const near = others
          .map((i) => ({ i, cosine: dot(own[t]!, vectors[i]!) }))
          .sort((a, b) => b.cosine - a.cosine || a.i - b.i);
        const drawn = drawBelow(Math.max(1, Math.round(share * near.length)), random);
        return near.length === 0 ? [] : [near[drawn]!.i];
      });
    });
  };

  let known: { readonly room: PatternRoom; readonly answered: readonly string[]; readonly reserved: number } | undefined;
  /** The answered examples, and the tokens of the longest of each label together. The same for every filling with as much room. */
  const answeredIn = async (room: PatternRoom) => {
    if (known?.room.tokenizer === room.tokenizer && known.room.maxLength === room.maxLength) return known;
    const answered = await demonstrations(pattern, examples, words, room);
    const lengths = await lengthsOf(answered, room.tokenizer);
    const reserved = groups.reduce((sum, group) => sum + Math.max(...group.map((i) => lengths[i]!)), 0);
    return (known = { room, answered, reserved });
  };

  return {
    ...pattern,
    source: `${pattern.source} with demonstrations`,
    async fill(texts, room) {
      if (texts.length === 0 || examples.length === 0) return pattern.fill(texts, room);
      const most = Math.max(1, Math.floor(room.maxLength / (groups.length + 1)));
      const { answered, reserved } = await answeredIn({ tokenizer: room.tokenizer, maxLength: most });
      const filled = await pattern.fill(texts, { ...room, maxLength: room.maxLength - reserved });
      const places = await chosen(texts);
      return filled.map((question, t) => {
        const behind = places[t]!.map((i) => ` ${answered[i]!}`).join('');
        const { views }: Example = question;
        return { ...question, ...followed(question, behind), ...(views && { views: allFollowed(views, behind) }) };
      });
    },
  };
}

/** The filled pattern of each example with its label's word in the gap; two texts as one. */
async function demonstrations(
  pattern: Pattern,
  examples: readonly Example[],
  words: ReadonlyMap<string, string>,
  room: PatternRoom,
): Promise<string[]> {
  const maskToken = room.tokenizer.maskToken;
  const filled = await pattern.fill(examples, room);
  return filled.map(({ text, pair, label }) => {
    const whole = pair === undefined ? text : `${text} ${pair}`;
    // Several gaps side by side are one word's.
    return maskToken === undefined ? whole : whole.replace(maskToken, () => words.get(label!)!).replaceAll(maskToken, '');
  });
}

/** Tokens of each text, without the special ones around it. */
async function lengthsOf(texts: readonly string[], tokenizer: Tokenizer): Promise<number[]> {
  const rows = await tokenizer.encode(texts, { maxLength: Number.MAX_SAFE_INTEGER });
  return rows.map(({ sequences }) => sequences.filter((sequence) => sequence !== null).length);
}

const followed = ({ text, pair }: Pick<Example, 'text' | 'pair'>, behind: string): Pick<Example, 'text' | 'pair'> =>
  pair === undefined ? { text: text + behind } : { text, pair: pair + behind };

const allFollowed = (views: NonNullable<Example['views']>, behind: string): NonNullable<Example['views']> =>
  Object.fromEntries(Object.entries(views).map(([name, view]) => [name, followed(view, behind)]));

const heaviest = (words: ClozeTask['verbalizer']['words'][number]): string =>
  words.reduce((most, word) => (word.weight > most.weight ? word : most)).text;

const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, d) => sum + value * y[d]!, 0);

function requireLabels(examples: readonly Example[], labels: readonly string[]): void {
  const problems = findings();
  examples.forEach(({ label }, i) => {
    if (label === undefined || !labels.includes(label))
      problems.add({ message: `${label === undefined ? 'no label' : `label '${label}'`} in example ${i + 1}` });
  });
  problems.throwIfAny('unknown-label', `demonstrated cannot use the labels (the verbalizer has ${labels.join(', ')})`);
}
