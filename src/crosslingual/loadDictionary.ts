import { badArgument, HoldfastError } from '../core/errors';
import { nodeModule } from '../core/nodeModule';
import { findings } from '../data/issues';
import { linesOf } from '../data/lines';
import { cedictPairs } from './cedict';
import { dictdPairs } from './dictd';
import { dictionary, type Dictionary, type Translation } from './dictionary';

/** How a file writes its pairs: see `loadDictionary`. */
export type DictionaryFormat = 'tsv' | 'muse' | 'cedict' | 'dictd';

export interface DictionaryFile {
  readonly path: string;
  /** Of the translations. Default: what stands after the last hyphen before the first dot of the file's name, `de` of `en-de.0-5000.txt`; CC-CEDICT: `zh`. */
  readonly language?: string;
  /** Default: by the file's ending. */
  readonly format?: DictionaryFormat;
  /** Kept in the dictionary's `licences`. */
  readonly licence?: string;
}

/**
 * Reads a dictionary from files, one or more for each language; `.gz` is unpacked.
 *
 * | format | ending | a line |
 * |---|---|---|
 * | `tsv` | `.tsv` | word, tab, translation |
 * | `muse` | `.txt` | word, space or tab, translation |
 * | `cedict` | `.u8` | CC-CEDICT: Chinese with English senses, turned round: English to simplified Chinese |
 * | `dictd` | `.index` | dictd and FreeDict: points into the `.dict` or `.dict.dz` beside it |
 *
 * **Needs** your own files: most dictionaries have a licence that a package must not pass on silently. **Limits** for Node; of CC-CEDICT and
 * dictd single words only. **See also** `dictionary`, `codeSwitch`.
 *
 * @throws HoldfastError `not-found`; `bad-data` with file and line of all problems; `bad-argument` where no language can be told
 * @see https://github.com/facebookresearch/MUSE
 * @see https://cc-cedict.org/wiki/format:syntax
 * @example
 * const loaded = await loadDictionary('en-de.tsv', { path: 'en-es.tsv', licence: 'CC0-1.0' });
 */
export async function loadDictionary(...files: readonly (string | DictionaryFile)[]): Promise<Dictionary> {
  if (files.length === 0) throw badArgument('loadDictionary', "no file: loadDictionary('en-de.tsv')");
  const wanted = files.map((file) => (typeof file === 'string' ? described({ path: file }) : described(file)));
  const pairs: Record<string, Translation[]> = {};
  for (const file of wanted) {
    const own = (pairs[file.language] ??= []);
    for (const pair of await pairsOf(file)) own.push(pair);
  }
  return dictionary(
    pairs,
    wanted.flatMap(({ licence }) => licence ?? []),
  );
}

type Described = DictionaryFile & Required<Pick<DictionaryFile, 'language' | 'format'>>;

function described(file: DictionaryFile): Described {
  const name = file.path.replace(/^.*[/\\]/, '').replace(/\.gz$/, '');
  const endings = { tsv: 'tsv', txt: 'muse', u8: 'cedict', index: 'dictd' } as const;
  const format = file.format ?? endings[/\.(tsv|txt|u8|index)$/.exec(name)?.[1] as keyof typeof endings];
  if (format === undefined)
    throw badArgument('loadDictionary', `the ending of '${file.path}' tells no format: say it, as in { path, format: 'tsv' }`);
  const language = file.language ?? (format === 'cedict' ? 'zh' : /^[^.]*-(\p{L}[^-.]*)(?:\.|$)/u.exec(name)?.[1]);
  if (language === undefined)
    throw badArgument('loadDictionary', `the name of '${file.path}' tells no language: say it, as in { path, language: 'de' }`);
  return { ...file, format, language };
}

async function pairsOf({ path: file, format }: Described): Promise<Translation[]> {
  const parse = await parserOf(file, format);
  const problems = findings();
  const pairs: Translation[] = [];
  for await (const { number: line, text, valid } of linesOf(file)) {
    if (text.trim() === '') continue;
    const some = valid ? parse(text) : undefined;
    if (some) pairs.push(...some);
    else {
      const wrong = valid ? `is not of the format '${format}': ${expected[format]}` : 'is not UTF-8 text: save the file as UTF-8';
      problems.add({ message: `line ${line} of '${file}' ${wrong}`, file, line });
    }
  }
  if (problems.count === 0 && pairs.length === 0) problems.add({ message: `'${file}' has no pairs`, file });
  problems.throwIfAny('bad-data', `'${file}' cannot be used`);
  return pairs;
}

const expected: Readonly<Record<DictionaryFormat, string>> = {
  tsv: 'expected a word, a tab and a translation',
  muse: 'expected a word, a space and a translation',
  cedict: 'expected traditional and simplified Chinese, [pronunciation] and /senses/',
  dictd: 'expected a headword, an offset and a length that lie within the .dict file',
};

async function parserOf(file: string, format: DictionaryFormat): Promise<(line: string) => Translation[] | undefined> {
  if (format === 'cedict') return cedictPairs;
  if (format === 'tsv') return (line) => pairIn(line.split('\t'));
  if (format === 'muse') return (line) => pairIn(line.trim().split(/[ \t]+/));
  const entries = await entriesBeside(file);
  return (line) => dictdPairs(line, entries);
}

function pairIn(parts: readonly string[]): Translation[] | undefined {
  const [word = '', translation = ''] = parts.map((part) => part.trim());
  return parts.length === 2 && word !== '' && translation !== '' ? [[word, translation]] : undefined;
}

async function entriesBeside(index: string): Promise<Uint8Array> {
  const [{ readFile }, { existsSync }, { gunzipSync }] = await Promise.all([
    nodeModule<typeof import('node:fs/promises')>('node:fs/promises'),
    nodeModule<typeof import('node:fs')>('node:fs'),
    nodeModule<typeof import('node:zlib')>('node:zlib'),
  ]);
  const plain = index.replace(/\.index(\.gz)?$/, '.dict');
  if (existsSync(plain)) return readFile(plain);
  if (existsSync(`${plain}.dz`)) return gunzipSync(await readFile(`${plain}.dz`));
  throw new HoldfastError('not-found', `There is neither '${plain}' nor '${plain}.dz', which '${index}' points into.`);
}
