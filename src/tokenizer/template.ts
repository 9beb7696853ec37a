import { HoldfastError } from '../core/errors';

/** Where the texts and the special tokens stand. */
export type TemplatePart = { readonly text: 0 | 1; readonly type: number } | { readonly special: number; readonly type: number };

export interface Template {
  readonly single: readonly TemplatePart[];
  readonly pair: readonly TemplatePart[];
}

type Named = readonly [token: string, id: number];

/** The `post_processor` of a tokenizer.json, as far as encoders use it. */
export type PostProcessor =
  | {
      readonly type: 'TemplateProcessing';
      readonly single: readonly Piece[];
      readonly pair: readonly Piece[];
      readonly special_tokens: Specials;
    }
  | { readonly type: 'BertProcessing' | 'RobertaProcessing'; readonly cls: Named; readonly sep: Named }
  | { readonly type: 'ByteLevel' }
  | { readonly type: 'Sequence'; readonly processors: readonly PostProcessor[] };

type Piece =
  | { readonly Sequence: { readonly id: 'A' | 'B'; readonly type_id: number } }
  | { readonly SpecialToken: { readonly id: string; readonly type_id: number } };
type Specials = Readonly<Record<string, { readonly ids: readonly number[] }>>;

const A: TemplatePart = { text: 0, type: 0 };
const plain: Template = { single: [A], pair: [A, { text: 1, type: 1 }] };

/** Reads which special tokens go around one text or two, and the token types. */
export function templateOf(processor: PostProcessor | null | undefined): Template {
  switch (processor?.type) {
    case undefined:
    case 'ByteLevel': // It moves offsets only.
      return plain;
    case 'Sequence': {
      const last = processor.processors.filter(({ type }) => type !== 'ByteLevel');
      if (last.length > 1) throw unknown(`a sequence of ${last.map(({ type }) => type).join(', ')}`);
      return templateOf(last[0]);
    }
    case 'TemplateProcessing': {
      const parts = (pieces: readonly Piece[]) => pieces.flatMap((piece) => partsOf(piece, processor.special_tokens));
      return { single: parts(processor.single), pair: parts(processor.pair) };
    }
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [cls, sep] = [processor.cls[1], processor.sep[1]];
      const special = (id: number, type = 0): TemplatePart => ({ special: id, type });
      const single = [special(cls), A, special(sep)];
      const second: TemplatePart[] =
        processor.type === 'BertProcessing'
          ? [{ text: 1, type: 1 }, special(sep, 1)]
          : [special(sep), { text: 1, type: 0 }, special(sep)];
      return { single, pair: [...single, ...second] };
    }
    default:
      throw unknown(`'${(processor as { type: string }).type}'`);
  }
}

function partsOf(piece: Piece, specials: Specials): TemplatePart[] {
  if ('Sequence' in piece) return [{ text: piece.Sequence.id === 'A' ? 0 : 1, type: piece.Sequence.type_id }];
  const { id, type_id: type } = piece.SpecialToken;
  const special = specials[id];
  if (!special)
    throw new HoldfastError('bad-tokenizer', `tokenizer.json: the post_processor uses the token '${id}' without giving its id.`);
  return special.ids.map((one) => ({ special: one, type }));
}

const unknown = (what: string): HoldfastError =>
  new HoldfastError(
    'bad-tokenizer',
    `tokenizer.json: the post_processor is ${what}; TemplateProcessing, BertProcessing, RobertaProcessing and ByteLevel are read.`,
  );
