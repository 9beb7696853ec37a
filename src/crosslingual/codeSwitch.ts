import { requireCount } from '../core/errors';
import { randomOf } from '../data/random';
import { requireReopenable } from '../data/source';
import type { Example, ExampleSource, OpenOptions } from '../data/types';
import { checkedSwitch, switchText, type SwitchCounts, type SwitchOptions } from './switchText';
import { viewed, type WithView } from './viewed';

export interface CodeSwitchOptions extends SwitchOptions {
  /** The same replacements in every epoch and run. Default false: fresh ones in each epoch. */
  readonly fixed?: boolean;
  /** Beside the run's own, so that two transforms draw differently. Default 0. */
  readonly seed?: number;
}

type Texts = { readonly text: string; readonly pair?: string };
/** An example with the view `codeSwitched`, beside those that it had. */
export type WithCodeSwitched<E extends Example> = WithView<E, 'codeSwitched'>;

type Opening = Pick<OpenOptions, 'seed' | 'epoch'>;

/** A source that is read with the run's seed and the epoch. */
export type OpenedSource<E> = (opening?: Opening) => AsyncGenerator<E>;

/**
 * Gives every example the view `codeSwitched`: the same text with some words replaced by translations, drawn anew in each epoch.
 *
 * What is drawn is a function of the seeds, the epoch and the example's place in the source, so a resumed run goes on with the same texts.
 * A word draws a language, then one of its translations there; without one it stays. Spaces and punctuation stay, and so does the case
 * pattern; between two Chinese, Japanese, Thai, Lao, Khmer or Burmese words that replace neighbours the space goes. `rate` 0 changes nothing.
 *
 * **Needs** a source language that puts spaces between words. **Cost** some look-ups per word; the view's tokens, and its evaluation.
 * **Limits** words are not inflected. Remembered rows need the view too. Only `batches` passes the epoch on: elsewhere it is always 0.
 * **Differs from the papers' code** in keeping case and punctuation; both lower the case and split at spaces.
 * **See also** `consistency`, `cosda` (replaces the text itself), `switchText`.
 *
 * @returns a transform of example sources
 * @throws HoldfastError `bad-argument`; `bad-data` if the source can be read only once
 * @see Zheng et al., Consistency Regularization for Cross-Lingual Fine-Tuning, ACL 2021, arXiv:2106.08226, section 3.2
 * @example
 * const words = dictionary({ de: [['invoice', 'Rechnung'], ['money', 'Geld']] });
 * const switched = codeSwitch({ dictionary: words, rate: 0.5 });
 * const objective = sum(crossEntropy(), weighted(5, consistency()));
 * await fit(model, { objective, data: batches(switched(train), { head }), optimizer, seed: 1 });
 */
export function codeSwitch(
  options: CodeSwitchOptions,
): <E extends Example>(source: ExampleSource<E>) => OpenedSource<WithCodeSwitched<E>> {
  const change = changing('codeSwitch', options);
  return <E extends Example>(source: ExampleSource<E>) =>
    change(source, (example, texts): WithCodeSwitched<E> => viewed(example, 'codeSwitched', texts));
}

/**
 * CoSDA-ML: replaces words of the texts themselves by translations, drawn anew in each epoch. What is trained on is the mixed text alone.
 *
 * **Differs from the paper's code** as `codeSwitch` does, which says the rest. **See also** `codeSwitch` (keeps the text beside).
 *
 * @returns a transform of example sources
 * @throws HoldfastError as `codeSwitch` does
 * @see Qin et al., CoSDA-ML: Multi-Lingual Code-Switching Data Augmentation for Zero-Shot Cross-Lingual NLP, IJCAI 2020, arXiv:2006.06402
 * @example
 * const words = dictionary({ de: [['invoice', 'Rechnung'], ['money', 'Geld']] });
 * const mixed = cosda({ dictionary: words, rate: 0.4 });
 * await fit(model, { objective: crossEntropy(), data: batches(mixed(train), { head }), optimizer, seed: 1 });
 */
export function cosda(options: CodeSwitchOptions): <E extends Example>(source: ExampleSource<E>) => OpenedSource<E> {
  const change = changing('cosda', options);
  return <E extends Example>(source: ExampleSource<E>) => change(source, (example, texts): E => ({ ...example, ...texts }));
}

/**
 * What `codeSwitch` does to a source in one epoch, without keeping the texts.
 *
 * @throws HoldfastError as `codeSwitch` does
 * @example
 * const words = dictionary({ de: [['invoice', 'Rechnung']] });
 * const { replaced, missing } = await switchCounts(train, { dictionary: words, rate: 0.5 });
 */
export async function switchCounts(
  source: ExampleSource,
  options: CodeSwitchOptions,
  opening: Opening = { seed: 0, epoch: 0 },
): Promise<SwitchCounts> {
  const total = { words: 0, replaced: 0, missing: 0, languages: {} as Record<string, number> };
  const counted = changing('switchCounts', options)(source, (example, _, counts): Example => {
    for (const { words, replaced, missing, languages } of counts) {
      total.words += words;
      total.replaced += replaced;
      total.missing += missing;
      for (const [name, count] of Object.entries(languages)) total.languages[name] = (total.languages[name] ?? 0) + count;
    }
    return example;
  });
  for await (const _ of counted(opening));
  return total;
}

type Change<E extends Example, Out> = (example: E, switched: Texts, counts: readonly SwitchCounts[]) => Out;

function changing(owner: string, options: CodeSwitchOptions) {
  const { fixed = false, seed: own = 0 } = options;
  const checked = checkedSwitch(owner, options);
  requireCount(owner, 'seed', own, 0, 0xffffffff);
  return <E extends Example, Out>(source: ExampleSource<E>, change: Change<E, Out>): OpenedSource<Out> => {
    requireReopenable(owner, source);
    return async function* ({ seed, epoch } = { seed: 0, epoch: 0 }) {
      let row = 0;
      for await (const example of typeof source === 'function' ? source({ seed, epoch }) : source) {
        const random = randomOf('codeSwitch', own, ...(fixed ? [] : [seed, epoch]), row++);
        const text = switchText(example.text, checked, random);
        const pair = example.pair === undefined ? undefined : switchText(example.pair, checked, random);
        const texts = { text: text.text, ...(pair && { pair: pair.text }) };
        yield change(example, texts, pair ? [text.counts, pair.counts] : [text.counts]);
      }
    };
  };
}
