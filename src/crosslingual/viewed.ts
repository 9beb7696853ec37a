import type { Example } from '../data/types';

type Texts = { readonly text: string; readonly pair?: string };
type OwnViews<E> = E extends { readonly views: infer V } ? (string extends keyof V ? unknown : V) : unknown;

/** An example with one more view, beside those that it had. */
export type WithView<E extends Example, Name extends string> = Omit<E, 'views'> & {
  readonly views: OwnViews<E> & { readonly [View in Name]: Texts };
};

/** The example with its texts in another form under that name. */
export function viewed<E extends Example, Name extends string>(example: E, name: Name, { text, pair }: Texts): WithView<E, Name> {
  const { views, ...rest } = example;
  const texts: Texts = { text, ...(pair !== undefined && { pair }) };
  return { ...rest, views: { ...views, [name]: texts } } as unknown as WithView<E, Name>;
}
