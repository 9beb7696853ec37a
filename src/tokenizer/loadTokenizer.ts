import { HoldfastError } from '../core/errors';
import type { Files } from '../model/files';
import { assembled } from './assembled';
import { describeTokenizer, type TokenizerDescription } from './description';
import type { TokenizerLibrary } from './library';
import { importNative } from './native';
import { importWeb } from './web';
import type { Tokenizer } from '../model/types';

export interface LoadTokenizerOptions {
  /** The package that does the work. Default: `tokenizers`, and `@xenova/transformers` where that one is missing. */
  readonly library?: 'tokenizers' | '@xenova/transformers';
}

/**
 * Reads a model's tokenizer from its folder: tokenizer.json, and tokenizer_config.json and special_tokens_map.json where present.
 *
 * Both libraries turn text into ids; special tokens, pairs, truncation and padding are ours and do not depend on the library.
 * What the file says of truncation and padding is ignored.
 *
 * **Cost** 15,000 short texts take less than a second with either, long ones in XLM-R's vocabulary two to three times longer with `@xenova/transformers`.
 * **Limits** where the two can differ: rare accents and punctuation, and added tokens after normalisation (see `importWeb`).
 *
 * @throws HoldfastError `bad-tokenizer` if a file is missing or broken, if there is no pad token, or if no library is installed
 * @example
 * await model.save(files);
 * const tokenizer = await loadTokenizer(files, { library: 'tokenizers' });
 */
export async function loadTokenizer(
  files: Pick<Files, 'name' | 'size' | 'read'>,
  { library }: LoadTokenizerOptions = {},
): Promise<Tokenizer> {
  const description = await describeTokenizer(files);
  return tokenizerOf(description, await open(description, library, files.name));
}

/** The first library that is installed. */
async function open(
  description: TokenizerDescription,
  library: LoadTokenizerOptions['library'],
  where: string,
): Promise<TokenizerLibrary> {
  const missing: unknown[] = [];
  for (const [name, load] of libraries) {
    if (library !== undefined && library !== name) continue;
    const create = await load().catch((cause: unknown) => void missing.push(cause));
    if (!create) continue;
    try {
      return create(description);
    } catch (cause) {
      throw refused(name, where, cause);
    }
  }
  const wanted = library ? `'${library}'` : "'tokenizers' (Node) or '@xenova/transformers' (browser)";
  throw new HoldfastError('bad-tokenizer', `No library can be loaded to tokenise with: install ${wanted}.`, {
    cause: missing[0],
  });
}

const libraries = [
  ['tokenizers', importNative],
  ['@xenova/transformers', importWeb],
] as const;

const refused = (library: string, where: string, cause: unknown): HoldfastError =>
  new HoldfastError(
    'bad-tokenizer',
    `${library} cannot read 'tokenizer.json' in ${where}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );

function tokenizerOf(
  { template, vocabularySize, padId, maskId, maskToken, specialIds }: TokenizerDescription,
  library: TokenizerLibrary,
): Tokenizer {
  let current: TokenizerLibrary | undefined = library;
  const opened = (): TokenizerLibrary => {
    if (!current) throw new HoldfastError('disposed', 'This tokenizer was disposed: load it again.');
    return current;
  };
  return {
    vocabularySize,
    padId,
    ...(maskId !== undefined && maskToken !== undefined && { maskId, maskToken }),
    specialIds,
    async encode(texts, { maxLength }) {
      const flat = texts.flatMap((text): readonly string[] => (typeof text === 'string' ? [text] : text));
      const pieces = await opened().encode(flat);
      let at = 0;
      return texts.map((text) =>
        assembled(template, typeof text === 'string' ? [pieces[at++]!] : [pieces[at++]!, pieces[at++]!], maxLength),
      );
    },
    idOf: (token) => opened().idOf(token),
    tokenOf: (id) => opened().tokenOf(id),
    decode: (ids) => opened().decode(ids),
    dispose() {
      current = undefined;
    },
  };
}
