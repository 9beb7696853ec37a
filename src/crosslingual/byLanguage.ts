import { badArgument, requireCount, requireNumber } from '../core/errors';
import type { Table } from '../core/format';
import { languagePlot } from './languagePlot';

export interface ByLanguageOptions<Language extends string = string> {
  /** The language that the model was trained on. */
  readonly source: Language;
  /** Half the width of an interval in standard errors. Default 1.959964: 95 %. */
  readonly z?: number;
}

export interface LanguageResult {
  readonly accuracy: number;
  readonly total: number;
  /** Wilson's interval: where the accuracy on many more texts is to be expected. */
  readonly interval: readonly [low: number, high: number];
}

export interface LanguageReport<Language extends string = string> {
  readonly languages: Readonly<Record<Language, LanguageResult>>;
  /** Accuracy of the source minus the mean of the others: what is lost on the way. */
  readonly transferGap: number;
  /** Of the others; of equal ones the first. */
  readonly worst: Language;
  /** For `format()`. */
  table(): Table;
  /** SVG text: a dot and its interval for each language. */
  plot(): string;
}

/**
 * Compares a model's results on the same kind of test in several languages: accuracies with intervals, the transfer gap, the worst language.
 *
 * **Limits** the intervals speak of each language by itself. Where two overlap, the difference of parallel tests can still be real.
 *
 * @param results by language, as `evaluate` returns them
 * @throws HoldfastError `bad-argument` without the source or another language, or for numbers that are no accuracy
 * @see Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 1927
 * @example
 * const en = await evaluate(model, billingTest, { head });
 * const de = await evaluate(model, [{ text: 'wo ist meine rechnung', label: 'invoice' }], { head });
 * console.log(format(byLanguage({ en, de }, { source: 'en' })));
 */
export function byLanguage<Language extends string>(
  results: Readonly<Record<Language, { readonly accuracy: number; readonly total: number }>>,
  { source, z = 1.959964 }: ByLanguageOptions<NoInfer<Language>>,
): LanguageReport<Language> {
  const names = Object.keys(results) as Language[];
  const [first, ...more] = names.filter((name) => name !== source);
  if (!names.includes(source) || first === undefined)
    throw badArgument('byLanguage', `needs results of '${source}' and of another language, got ${names.join(', ') || 'none'}`);
  const others = [first, ...more];
  const languages = Object.fromEntries(
    names.map((name): [string, LanguageResult] => {
      const { accuracy, total } = results[name];
      requireNumber('byLanguage', `accuracy of '${name}'`, accuracy, 0, 1);
      return [name, { accuracy, total, interval: wilsonInterval(accuracy, total, z) }];
    }),
  ) as Record<Language, LanguageResult>;
  const accuracyOf = (name: Language) => results[name].accuracy;
  const worst = others.reduce((low, name) => (accuracyOf(name) < accuracyOf(low) ? name : low), first);
  const transferGap = accuracyOf(source) - others.reduce((sum, name) => sum + accuracyOf(name), 0) / others.length;
  return {
    ...{ languages, transferGap, worst },
    table: () => ({
      columns: ['language', 'accuracy', 'low', 'high', 'texts'],
      rows: [source, ...others].map((name) => {
        const { accuracy, interval, total } = languages[name];
        return [name, accuracy, ...interval, total];
      }),
      notes: [`transfer gap ${transferGap.toFixed(3)}, worst ${worst}`],
    }),
    plot: () => languagePlot([source, ...others].map((name) => [name, languages[name]])),
  };
}

/** `(p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n)`: an interval for a share p of n, which stays within 0 and 1. */
export function wilsonInterval(share: number, total: number, z = 1.959964): readonly [low: number, high: number] {
  requireCount('wilsonInterval', 'total', total);
  requireNumber('wilsonInterval', 'z', z);
  const centre = share + z ** 2 / (2 * total);
  const half = z * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2));
  const within = (value: number) => Math.min(1, Math.max(0, value / (1 + z ** 2 / total)));
  return [within(centre - half), within(centre + half)];
}
