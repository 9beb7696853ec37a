import { badArgument } from '../core/errors';
import type { TextInput, TextModel, Tokens } from '../model/types';

/** A piece of a text: of the pattern, or of a field, which may be cut. */
export interface Part {
  readonly text: string;
  readonly field: boolean;
}

/** The parts of one text or a pair. */
type Parts = readonly (readonly Part[])[];

/**
 * Joins parts to texts of at most `maxLength` tokens: tokens are taken from the end of the longest field until all fits.
 *
 * A shorter text may be tokenised otherwise than it was within the longer one, so what was cut is measured again.
 */
export async function fitted(
  rows: readonly Parts[],
  source: string,
  { tokenizer, maxLength }: Pick<TextModel, 'tokenizer' | 'maxLength'>,
): Promise<string[][]> {
  const current = [...rows];
  let open = current.map((_, i) => i);
  while (open.length > 0) {
    const tokens = await tokenizer.encode(
      open.map((i) => inputOf(current[i]!)),
      { maxLength: Number.MAX_SAFE_INTEGER },
    );
    open = open.filter((i, at) => {
      const excess = tokens[at]!.ids.length - maxLength;
      if (excess <= 0) return false;
      if (current[i]!.flat().every(({ text, field }) => !field || text === ''))
        throw badArgument(
          'pattern',
          `${source} alone takes ${tokens[at]!.ids.length} tokens, more than maxLength ${maxLength}: shorten it or allow more`,
        );
      current[i] = cut(current[i]!, tokens[at]!, excess);
      return true;
    });
  }
  return current.map((parts) => parts.map(joined));
}

const joined = (parts: readonly Part[]): string =>
  parts
    .map(({ text }) => text)
    .join('')
    .trim();

function inputOf(parts: Parts): TextInput {
  const [first, second] = parts.map(joined);
  return second === undefined ? first! : [first!, second];
}

/** A field and where its tokens begin, counted from its own start. */
interface Span {
  readonly segment: number;
  readonly part: number;
  readonly starts: readonly number[];
  keep: number;
}

function cut(parts: Parts, tokens: Tokens, excess: number): Parts {
  const spans = parts.flatMap((segment, s) => spansOf(segment, s, tokens));
  for (let left = excess; left > 0; left--) {
    const longest = spans.reduce((most, span) => (span.keep > most.keep ? span : most));
    if (longest.keep === 0) break;
    longest.keep--;
  }
  return parts.map((segment, s) =>
    segment.map((part, p) => {
      const span = spans.find((one) => one.segment === s && one.part === p);
      if (!span || (span.keep === span.starts.length && span.keep > 0)) return part;
      return { ...part, text: shortened(part.text, span.keep === 0 ? 0 : span.starts[span.keep]!) };
    }),
  );
}

function spansOf(segment: readonly Part[], s: number, { offsets, sequences }: Tokens): Span[] {
  const whole = segment.map(({ text }) => text).join('');
  const lead = whole.length - whole.trimStart().length;
  let end = -lead;
  return segment.flatMap(({ text, field }, p): Span[] => {
    const start = end;
    end += text.length;
    if (!field || text === '') return [];
    const own = offsets.filter(([from], t) => sequences[t] === s && from >= start && from < end);
    return [{ segment: s, part: p, starts: own.map(([from]) => from - start), keep: own.length }];
  });
}

function shortened(text: string, at: number): string {
  const shorter = text.slice(0, at).trimEnd();
  // Several tokens may begin at one place, as the bytes of a character do: then a character goes at least.
  return shorter.length < text.length ? shorter : [...text].slice(0, -1).join('');
}
