import { badArgument, requireCount, type HoldfastError } from '../core/errors';
import { findings } from '../data/issues';
import type { Example } from '../data/types';
import type { TextModel } from '../model/types';
import { fitted, type Part } from './fitted';

/** What a pattern is filled for: a model will do. */
export interface PatternRoom extends Pick<TextModel, 'tokenizer' | 'maxLength'> {
  /** Mask tokens for each `{mask}`. Default 1. */
  readonly masks?: number;
}

/** Fields of an example that a pattern can name. */
export type PatternField = 'text' | 'pair' | 'label';

/** A compiled pattern. */
export interface Pattern {
  /** As it was written. */
  readonly source: string;
  /** How many `{mask}` it has. */
  readonly masks: number;
  readonly fields: readonly PatternField[];
  /** The character before the first mask: it decides which form of a word fits there. Empty at the start. */
  readonly before: string;
  /**
   * Puts examples into the pattern: the same examples with another text (and pair), in which the model's mask token stands.
   *
   * @throws HoldfastError `bad-argument` if the tokenizer has no mask token or the pattern alone is too long; `bad-data` naming the
   *   examples that lack a field
   */
  fill<E extends Example>(examples: readonly E[], room: PatternRoom): Promise<E[]>;
}

/**
 * A sentence with gaps: the text goes into `{text}`, and what the model says at `{mask}` is the answer. So a model that can only fill
 * gaps classifies.
 *
 * Fields are `{text}`, `{pair}`, `{label}` and `{mask}`, each any number of times; all else stays as it is written. A text that is too
 * long loses tokens at its end (the longer of two first, as in pairs), the pattern never does. With `second` the model gets a pair.
 *
 * **Needs** a tokenizer with a mask token. **Cost** the texts are tokenised once more; those that are too long twice or more.
 * **Limits** a mask token in a field's own text is left out, as it would be taken for a gap. Views are filled like their example.
 * **Differs from PET's code**, which joins tokens: here strings are joined and tokenised as a whole, so the words around a gap keep
 * their space, and languages without spaces get none.
 * **See also** `verbalizer` (which words mean which label), `cloze`, `clozeClassifier`.
 *
 * @param first template of the text @param second template of the second text; default: the model gets one text
 * @throws HoldfastError `bad-argument` for a pattern without `{mask}`, an unknown field, or a brace without its fellow
 * @see Schick and Schütze, Exploiting Cloze Questions for Few Shot Text Classification, EACL 2021, arXiv:2001.07676, section 3
 * @example
 * const { fill } = pattern('It was {mask}. {text}');
 * const [filled] = await fill([{ text: 'nice' }], model); // 'It was [MASK]. nice'
 */
export function pattern(first: string, second?: string): Pattern {
  const templates = second === undefined ? [first] : [first, second];
  const source = templates.map((template) => `'${template}'`).join(', ');
  const segments = templates.map((template) => compiled(template.trim(), source));
  const slots = segments.flat().map(({ slot }) => slot);
  const masks = slots.filter((slot) => slot === 'mask').length;
  if (masks === 0) throw refused(source, 'has no {mask}: put it where the word stands that tells the label');
  const fields = [...new Set(slots)].filter((slot): slot is PatternField => slot !== undefined && slot !== 'mask');
  return {
    ...{ source, masks, fields, before: beforeMask(templates) },
    async fill(examples, room) {
      const { maskToken, maskId } = room.tokenizer;
      requireCount('pattern', 'maxLength', room.maxLength);
      requireCount('pattern', 'masks', room.masks ?? 1);
      if (maskToken === undefined || maskId === undefined)
        throw refused(source, 'needs a mask token, which the tokenizer does not have: take a model whose tokenizer has one');
      requireFields(examples, fields, source);
      const gap = maskToken.repeat(room.masks ?? 1);
      const texts = examples.flatMap((example) => [example, ...viewsOf(example)]);
      const parts = texts.map((text) =>
        segments.map((segment) => segment.map((piece) => filledPart(piece, text, gap, maskToken))),
      );
      const done = await fitted(parts, source, room);
      let at = 0;
      const next = (): Texts => {
        const [text, pair] = done[at++]!;
        return pair === undefined ? { text: text! } : { text: text!, pair };
      };
      return examples.map((example) => {
        const { pair: _used, ...rest } = example;
        const own = next();
        const views = Object.fromEntries(Object.keys(example.views ?? {}).map((name) => [name, next()]));
        // A second text is part of the first now, unless the pattern has two.
        return { ...rest, ...own, ...(example.views && { views }) } as unknown as typeof example;
      });
    },
  };
}

type Texts = Pick<Example, 'text' | 'pair'>;
type Texted = Pick<Example, PatternField>;

interface Piece {
  readonly text: string;
  readonly slot?: PatternField | 'mask';
}

const known: readonly string[] = ['text', 'pair', 'label', 'mask'];

function compiled(template: string, source: string): Piece[] {
  // Odd pieces are what stood in braces.
  const pieces = template.split(/\{([^{}]*)\}/);
  return pieces.map((text, i): Piece => {
    if (i % 2 === 1 && !known.includes(text))
      throw refused(source, `has an unknown field {${text}}; known are ${known.map((name) => `{${name}}`).join(', ')}`);
    if (i % 2 === 1) return { text, slot: text as PatternField | 'mask' };
    if (/[{}]/.test(text)) throw refused(source, 'has a brace without its fellow; fields are written {text}');
    return { text };
  });
}

function beforeMask(templates: readonly string[]): string {
  const template = templates.find((one) => one.includes('{mask}'))!.trim();
  return template.charAt(template.indexOf('{mask}') - 1);
}

const viewsOf = ({ views, label }: Example): Texted[] =>
  Object.values(views ?? {}).map((view) => ({ ...view, ...(label !== undefined && { label }) }));

function filledPart({ text, slot }: Piece, example: Texted, gap: string, maskToken: string): Part {
  if (slot === undefined) return { text, field: false };
  if (slot === 'mask') return { text: gap, field: false };
  // A label is part of the question: it is never cut.
  return { text: example[slot]!.replaceAll(maskToken, ' '), field: slot !== 'label' };
}

function requireFields(examples: readonly Example[], fields: readonly PatternField[], source: string): void {
  const problems = findings();
  examples.forEach((example, i) => {
    for (const [of, texts] of [['', example] as const, ...Object.entries(example.views ?? {})]) {
      const whole: Partial<Texted> =
        of === '' ? texts : { ...texts, ...(example.label !== undefined && { label: example.label }) };
      for (const field of fields)
        if (typeof whole[field] !== 'string')
          problems.add({ message: `example ${i + 1} has no '${field}'${of === '' ? '' : ` in its view '${of}'`}` });
    }
  });
  problems.throwIfAny('bad-data', `pattern: ${source} cannot be filled`);
}

const refused = (source: string, problem: string): HoldfastError => badArgument('pattern', `${source} ${problem}`);
