import { badArgument, HoldfastError, requireCount } from '../core/errors';
import { chunked } from '../data/chunked';
import { tokenised } from '../data/tokenised';
import type { Example } from '../data/types';
import type { Head, TextModel } from '../model/types';
import { columnsOf, excess, logitRows } from '../training/logitRows';
import { answerOf, byLabel, examplesOf, type Answer } from './answers';
import { requireDescriptions, type Descriptions } from './entailment';

export interface EflOptions<Label extends string = string> {
  readonly descriptions: Descriptions<Label>;
  /** The head that judges a text and a description. Default: the model's head 'entailment'. */
  readonly head?: Head;
  /** Its label that says yes. Default 'entailment'. */
  readonly entailment?: string;
  /** Rows, text × description, that are asked together; a text's descriptions are never parted by it. Default 64. */
  readonly batchSize?: number;
  /** Most tokens of text and description together. Default the model's. */
  readonly maxLength?: number;
}

export interface EflAnswer<Label extends string = string> extends Answer<Label> {
  /** Probability that the label's description follows from the text, each label by itself: low for all where none fits. */
  readonly entailment: Readonly<Record<Label, number>>;
}

export interface EflClassifier<Label extends string = string> {
  readonly labels: readonly Label[];
  readonly descriptions: Descriptions<Label>;
  /** One answer for each text, in their order. */
  predict(texts: readonly (string | Example)[]): Promise<EflAnswer<Label>[]>;
  /** A classifier that knows one label more. No weight changes: this one stays as it is, and both read the same model. */
  withLabel<New extends string>(label: New, description: string): EflClassifier<Label | New>;
}

/**
 * A classifier that asks, for each label, whether its description follows from the text: from few labelled texts, or from none.
 *
 * `s[l] = log p(entailment | text, description_l)`, the answer is the label of the highest, its `scores` the softmax of `s` over the
 * labels. `p` is the softmax over the classes of the head, of which there may be two, or the three of inference.
 *
 * Without any training it works with a model that knows inference: one with such a head, or after a `fit` on `nliRows`. With labelled
 * texts, a `fit` on `entailmentPairs` comes before. The model is read at each call and not changed.
 *
 * **Needs** a head with the label `entailment`. A fresh head guesses, and few texts alone teach it little: the stage on inference data
 * is what carries the method.
 * **Cost** one row for each text and label; all labels of some texts together.
 * **Limits** an answer is always one of the labels; read `entailment` to see whether any fits.
 * **See also** `entailmentPairs`, `nliRows`; `clozeClassifier` (words in a gap instead of descriptions).
 *
 * @throws HoldfastError `not-found` without the head, `bad-argument` if it lacks the label, or for bad descriptions
 * @see Wang et al., Entailment as Few-Shot Learner, 2021, arXiv:2104.14690, section 3
 * @see Yin et al., Benchmarking Zero-shot Text Classification, EMNLP 2019, arXiv:1909.00161 (without training)
 * @example
 * model.addHead('entailment', entailmentLabels);
 * const classifier = efl(model, { descriptions: { invoice: 'It is about a bill.', refund: 'It is about money back.' } });
 * const [answer] = await classifier.withLabel('delivery', 'It is about a parcel.').predict(['where is my parcel']);
 * console.log(answer?.label, answer?.entailment.delivery);
 */
export function efl<Label extends string>(model: TextModel, options: EflOptions<Label>): EflClassifier<Label> {
  const { descriptions, entailment = 'entailment', batchSize = 64, maxLength = model.maxLength } = options;
  requireDescriptions('efl', descriptions);
  requireCount('efl', 'batchSize', batchSize);
  requireCount('efl', 'maxLength', maxLength, 1, model.maxLength);
  const head = options.head ?? model.head('entailment');
  const yes = head.labels.indexOf(entailment);
  if (yes < 0)
    throw badArgument(
      'efl',
      `head '${head.name}' has no label '${entailment}', but ${head.labels.join(', ')}: say by \`entailment\` which one means yes`,
    );
  const labels = Object.keys(descriptions) as Label[];

  return {
    labels,
    descriptions,
    async predict(texts) {
      const examples = examplesOf(texts);
      requireSingle(examples);
      // Texts of similar length share an evaluation, so that little is padded.
      const order = examples.map((_, i) => i).sort((a, b) => examples[a]!.text.length - examples[b]!.text.length || a - b);
      const answers: EflAnswer<Label>[] = [];
      for (const some of chunked(order, Math.max(1, Math.floor(batchSize / labels.length)))) {
        const pairs = some.flatMap((i) =>
          labels.map((label) => ({ example: { text: examples[i]!.text, pair: descriptions[label] } })),
        );
        const rows = await tokenised(pairs, [], model.tokenizer, maxLength);
        const logits = await logitRows(model, rows, columnsOf([head]), rows.length);
        some.forEach((i, t) => {
          const scores = labels.map((_, l) => logShare(logits[t * labels.length + l]!, yes));
          answers[i] = { ...answerOf(labels, scores), entailment: byLabel(labels, (l) => Math.exp(scores[l]!)) };
        });
      }
      return answers;
    },
    withLabel(label, description) {
      if (Object.hasOwn(descriptions, label))
        throw badArgument('withLabel', `there is a label '${label}' already: choose another name`);
      const more = { ...descriptions, [label]: description } as Descriptions<Label | typeof label>;
      return efl(model, { ...options, head, descriptions: more });
    },
  };
}

/** `log softmax(z)[place]`. */
function logShare(logits: Float32Array, place: number): number {
  const most = Math.max(...logits);
  return logits[place]! - most - Math.log(excess(logits, most, 1));
}

function requireSingle(examples: readonly Example[]): void {
  const at = examples.findIndex(({ pair }) => pair !== undefined);
  if (at >= 0)
    throw new HoldfastError(
      'bad-data',
      `efl: text ${at + 1} is a pair, but the second place is the description's: join both texts into one.`,
    );
}
