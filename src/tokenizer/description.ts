import { HoldfastError } from '../core/errors';
import { isRecord, parseObject, readJson, type Files } from '../model/files';
import type { AddedToken } from './addedTokens';
import { templateOf, type PostProcessor, type Template } from './template';

/** What the files of a tokenizer say, before a library is asked. */
export interface TokenizerDescription {
  /** tokenizer.json as text, and parsed. */
  readonly json: string;
  readonly tokenizer: Readonly<Record<string, unknown>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly template: Template;
  readonly vocabularySize: number;
  readonly padId: number;
  readonly maskId?: number;
  readonly maskToken?: string;
  readonly specialIds: readonly number[];
}

/** Reads tokenizer.json, and tokenizer_config.json and special_tokens_map.json where there are any. @throws HoldfastError `bad-tokenizer` */
export async function describeTokenizer(files: Pick<Files, 'name' | 'size' | 'read'>): Promise<TokenizerDescription> {
  if ((await files.size('tokenizer.json')) === undefined) {
    throw new HoldfastError(
      'bad-tokenizer',
      `There is no 'tokenizer.json' in ${files.name}. With Python: AutoTokenizer.from_pretrained(…, use_fast=True).save_pretrained(…) writes one.`,
    );
  }
  const bytes = await files.read('tokenizer.json');
  const tokenizer = parseObject(bytes, `'tokenizer.json' in ${files.name}`, 'bad-tokenizer');
  const config = (await readJson(files, 'tokenizer_config.json', 'bad-tokenizer')) ?? {};
  const map = (await readJson(files, 'special_tokens_map.json', 'bad-tokenizer')) ?? {};

  const vocabulary = vocabularyOf(tokenizer.model, files.name);
  const added = (Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : []) as readonly AddedToken[];
  const addedIds = new Map(added.map(({ content, id }) => [content, id]));
  const idOf = (token: string | undefined) => (token === undefined ? undefined : (addedIds.get(token) ?? vocabulary.idOf(token)));
  const named = (role: string): string | undefined => contentOf(map[role]) ?? contentOf(config[role]);
  const known = (...tokens: string[]) => tokens.find((token) => addedIds.has(token));

  const padToken = named('pad_token') ?? known('[PAD]', '<pad>');
  const padId = idOf(padToken);
  if (padId === undefined) {
    const problem =
      padToken === undefined
        ? 'no file names a pad token'
        : `the pad token '${padToken}' is not in the vocabulary of tokenizer.json`;
    throw new HoldfastError(
      'bad-tokenizer',
      `${files.name}: ${problem}; batches cannot be padded. Set "pad_token" in special_tokens_map.json.`,
    );
  }
  const maskToken = named('mask_token') ?? known('[MASK]', '<mask>');
  const maskId = idOf(maskToken);
  const roles = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'cls_token'].map((role) => idOf(named(role)));
  const special = [...added.filter((token) => token.special).map(({ id }) => id), ...roles, padId, maskId].filter(
    (id) => id !== undefined,
  );
  return {
    json: new TextDecoder().decode(bytes),
    tokenizer,
    config,
    template: templateOf(tokenizer.post_processor as PostProcessor | null | undefined),
    vocabularySize: added.reduce((size, { id }) => Math.max(size, id + 1), vocabulary.size),
    padId,
    ...(maskId !== undefined && maskToken !== undefined && { maskId, maskToken }),
    specialIds: [...new Set(special)].sort((a, b) => a - b),
  };
}

/** Ids go from 0 to `size` − 1; gaps count. */
function vocabularyOf(model: unknown, where: string): { readonly size: number; idOf(token: string): number | undefined } {
  const vocab = isRecord(model) ? model.vocab : undefined;
  if (Array.isArray(vocab))
    return { size: vocab.length, idOf: (token) => indexOf(vocab as readonly (readonly [string, number])[], token) };
  if (isRecord(vocab)) {
    const ids = vocab as Readonly<Record<string, number>>;
    return {
      size: Object.values(ids).reduce((size, id) => Math.max(size, id + 1), 0),
      idOf: (token) => (Object.hasOwn(ids, token) ? ids[token] : undefined),
    };
  }
  throw new HoldfastError(
    'bad-tokenizer',
    `'tokenizer.json' in ${where} has no model.vocab: it is not a tokenizer of the tokenizers library.`,
  );
}

function indexOf(vocab: readonly (readonly [string, number])[], token: string): number | undefined {
  const index = vocab.findIndex(([entry]) => entry === token);
  return index < 0 ? undefined : index;
}

/** Special tokens are strings, or objects with the string in `content`. */
function contentOf(token: unknown): string | undefined {
  if (typeof token === 'string') return token;
  return isRecord(token) && typeof token.content === 'string' ? token.content : undefined;
}
