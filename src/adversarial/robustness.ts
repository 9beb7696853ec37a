import { badArgument } from '../core/errors';
import type { Table } from '../core/format';
import type { ExampleSource } from '../data/types';
import { perturbed } from './perturbed';
import type { TextPerturbation } from './textPerturbations';

export interface RobustnessOptions<Kind extends string = string> {
  /** What measures a test: `(test) => evaluate(model, test, { head })`. */
  readonly evaluate: (test: ExampleSource) => Promise<{ readonly accuracy: number; readonly total: number }>;
  /** What is done to the texts, by the name in the report. */
  readonly kinds: Readonly<Record<Kind, TextPerturbation>>;
  /** Of the perturbations: one seed is the same texts for every model. Default 0. */
  readonly seed?: number;
}

export interface KindResult {
  readonly accuracy: number;
  /** Clean accuracy minus this one. */
  readonly drop: number;
  /** Share of the texts that are not as they were: where it is 0, nothing was measured. */
  readonly changed: number;
}

export interface RobustnessReport<Kind extends string = string> {
  readonly clean: { readonly accuracy: number; readonly total: number };
  readonly kinds: Readonly<Record<Kind, KindResult>>;
  readonly meanDrop: number;
  /** Of the greatest drop; of equal ones the first. */
  readonly worst: Kind;
  /** For `format()`. */
  table(): Table;
}

/**
 * How much accuracy a model loses when the texts are mistyped, reworded or mixed with another language: one test, once clean and once for each kind.
 *
 * Each text is perturbed by a stream of its own, a function of the seed and its place in the test: two models see the same texts.
 *
 * **Needs** a test in its own order. **Cost** one evaluation of the test for each kind and one more.
 * **Limits** the words are changed without asking the model: what an adversary would find is worse. A difference of a few texts may be chance.
 * **See also** `byLanguage`; `switchText` is the perturbation of code-switched input: `(text, random) => switchText(text, options, random).text`.
 *
 * @throws HoldfastError `bad-argument` without kinds; `bad-data` for a test that can be read only once
 * @example
 * const report = await robustness(billingTest, {
 *   evaluate: (test) => evaluate(model, test, { head }),
 *   kinds: { typos: keyboardTypos({ rate: 0.3 }), swaps: letterSwaps({ rate: 0.3 }), capitals: upperCased() },
 *   seed: 1,
 * });
 * console.log(format(report));
 */
export async function robustness<Kind extends string>(
  test: ExampleSource,
  { evaluate, kinds, seed = 0 }: RobustnessOptions<Kind>,
): Promise<RobustnessReport<Kind>> {
  const named = Object.entries(kinds) as [Kind, TextPerturbation][];
  if (named.length === 0) throw badArgument('robustness', 'no kinds: give some, as in { typos: keyboardTypos({ rate: 0.3 }) }');
  const tests = named.map(([kind, perturbation]) => {
    const seen = { texts: 0, changed: 0 };
    const counted: TextPerturbation = (text, random) => {
      const after = perturbation(text, random);
      seen.texts++;
      if (after !== text) seen.changed++;
      return after;
    };
    return { kind, seen, source: perturbed(counted, { seed })(test) };
  });
  const { accuracy, total } = await evaluate(test);
  const results: [Kind, KindResult][] = [];
  for (const { kind, seen, source } of tests) {
    const { accuracy: reached } = await evaluate(source);
    results.push([kind, { accuracy: reached, drop: accuracy - reached, changed: seen.changed / seen.texts }]);
  }
  const [worst] = results.reduce((most, next) => (next[1].drop > most[1].drop ? next : most));
  const meanDrop = results.reduce((sum, [, { drop }]) => sum + drop, 0) / results.length;
  return {
    ...{ clean: { accuracy, total }, kinds: Object.fromEntries(results) as Record<Kind, KindResult>, meanDrop, worst },
    table: () => ({
      columns: ['input', 'accuracy', 'drop', 'changed'],
      rows: [
        ['clean', accuracy, null, null],
        ...results.map(([kind, { changed, drop, ...own }]) => [kind, own.accuracy, drop, changed]),
      ],
      notes: [`${total} texts, mean drop ${meanDrop.toFixed(3)}, worst ${worst}`],
    }),
  };
}
