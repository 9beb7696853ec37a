import { HoldfastError, requireCount, requireNumber } from '../core/errors';
import { findings } from '../data/issues';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import { viewed, type WithView } from './viewed';

/** Where translations are kept, by text; a `Map` is one. Of one translator only: another language wants another cache. */
export interface TranslationCache {
  get(text: string): string | undefined | Promise<string | undefined>;
  set(text: string, translation: string): unknown;
}

export interface TranslatedOptions<Name extends string = string> {
  /** Your own: a service, a model, a person. For back translation, there and back. */
  readonly translate: (text: string) => Promise<string>;
  /** The view's name: `translation` is what `infoNce` and `wordAlignment` read, `codeSwitched` what `consistency` reads. Default `translation`. */
  readonly view?: Name;
  /** Default: of this call only. */
  readonly cache?: TranslationCache;
  /** Most translations under way at the same time. Default 4. */
  readonly concurrency?: number;
  /** Further attempts after a failed one. Default 3. */
  readonly retries?: number;
  /** Milliseconds before the first of them, twice as many before each later one. Default 1000. */
  readonly backoff?: number;
  /** Waits that many milliseconds. Default: by the clock. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  /** Starts no further translation, with the error 'aborted'. */
  readonly signal?: AbortSignal;
}

const byTheClock = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Gives every example a translated view: machine translation into another language, or back translation into other words of the same one.
 *
 * Each text is translated once, however often it occurs, both texts of a pair. After a failure no further translation starts, and those under way
 * are waited for: what is translated is in the cache, and the next call goes on from there.
 *
 * **Needs** a translator of yours. **Cost** its calls, one for each text that the cache does not have. All examples in memory.
 * **Limits** it runs once, before training: the views are the same in each epoch. **See also** `byId` (translations that are there already),
 * `codeSwitch` (single words, no translator).
 *
 * @returns the examples in their order
 * @throws HoldfastError `bad-data` that names the rows whose translation failed at the last attempt, its `cause` the first error; `bad-argument`;
 *   `aborted`
 * @see Sennrich et al., Improving Neural Machine Translation Models with Monolingual Data, ACL 2016, arXiv:1511.06709 (back translation)
 * @example
 * const cache = new Map<string, string>();
 * const parallel = await translated(train, { translate: async (text) => text.replace('invoice', 'Rechnung'), cache });
 * await fit(model, { objective: infoNce(), data: batches(parallel), optimizer, seed: 1 });
 */
export async function translated<E extends Example, Name extends string = 'translation'>(
  source: ExampleSource<E>,
  {
    translate,
    view = 'translation' as Name,
    cache = new Map<string, string>(),
    concurrency = 4,
    ...options
  }: TranslatedOptions<Name>,
): Promise<WithView<E, Name>[]> {
  const { retries = 3, backoff = 1000, wait = byTheClock, signal } = options;
  requireCount('translated', 'concurrency', concurrency);
  requireCount('translated', 'retries', retries, 0);
  requireNumber('translated', 'backoff', backoff);
  const examples = await readAll('translated', source);
  const texts = [...new Set(examples.flatMap(({ text, pair }) => (pair === undefined ? [text] : [text, pair])))];
  const done = new Map<string, string>();
  const failed = new Map<string, unknown>();
  const isOver = () => failed.size > 0 || signal?.aborted === true;

  const attempted = async (text: string): Promise<string> => {
    for (let attempt = 0; ; attempt++) {
      try {
        const translation: unknown = await translate(text);
        if (typeof translation === 'string' && translation.trim() !== '') return translation;
        throw new TypeError(`the translator gave ${translation === '' ? 'an empty text' : `no text but ${typeof translation}`}`);
      } catch (error) {
        if (attempt >= retries || isOver()) throw error;
        await wait(backoff * 2 ** attempt);
      }
    }
  };
  const waiting = texts.values();
  const worker = async () => {
    for (const text of waiting) {
      if (isOver()) return;
      try {
        const known = await cache.get(text);
        const translation = known ?? (await attempted(text));
        if (known === undefined) await cache.set(text, translation);
        done.set(text, translation);
      } catch (error) {
        failed.set(text, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, texts.length) }, worker));

  if (signal?.aborted)
    throw new HoldfastError(
      'aborted',
      `translated: stopped by its signal after ${done.size} of ${texts.length} texts; the cache has them.`,
      {
        cause: signal.reason,
      },
    );
  const problems = findings();
  examples.forEach(({ text, pair, id }, row) => {
    const wrong = [text, ...(pair === undefined ? [] : [pair])].find((part) => failed.has(part));
    // Not the texts: they may be personal.
    if (wrong !== undefined)
      problems.add({ message: `row ${row + 1}${id === undefined ? '' : ` ('${id}')`}: ${String(failed.get(wrong))}` });
  });
  const progress = `${done.size} of ${texts.length} texts are translated and in the cache: call it again with that cache to go on`;
  problems.throwIfAny('bad-data', `translated: ${progress}`, [...failed.values()][0]);
  return examples.map((example) => {
    const pair = example.pair === undefined ? {} : { pair: done.get(example.pair)! };
    return viewed(example, view, { text: done.get(example.text)!, ...pair });
  });
}
