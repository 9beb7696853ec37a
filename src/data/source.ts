import { HoldfastError } from '../core/errors';
import { findings } from './issues';
import type { Example, ExampleSource, OpenOptions } from './types';

const advice = 'Pass an array, a reader such as readJsonl(path), or a function that returns a fresh iterable: () => generate().';

/** Refuses a generator object at once: it would run dry after one epoch, and the training would be shorter than asked for. */
export function requireReopenable(owner: string, source: ExampleSource<Example>): void {
  if (typeof source === 'function') return;
  const once =
    Symbol.asyncIterator in source
      ? (source[Symbol.asyncIterator]() as unknown) === source
      : Symbol.iterator in source && (source[Symbol.iterator]() as unknown) === source;
  if (once)
    throw new HoldfastError('bad-data', `${owner}: the examples are a generator object, which can be read only once. ${advice}`);
}

/** All examples of one epoch of a run, as strings. `owner` is the function that was called. */
export async function readAll<E extends Example>(
  owner: string,
  source: ExampleSource<E>,
  { seed, epoch }: Pick<OpenOptions, 'seed' | 'epoch'> = { seed: 0, epoch: 0 },
): Promise<E[]> {
  const iterable = typeof source === 'function' ? source({ seed, epoch }) : source;
  const examples: E[] = [];
  const problems = findings();
  for await (const example of iterable) {
    examples.push(example);
    if (typeof (example as Partial<Example> | undefined)?.text !== 'string') {
      problems.add({ message: `row ${examples.length} has no text: expected { text: string, … }, got ${describe(example)}` });
    }
  }
  problems.throwIfAny('bad-data', `${owner} cannot use the examples`);
  if (examples.length === 0) {
    throw new HoldfastError(
      'bad-data',
      `${owner}: no examples${epoch > 0 ? ` in epoch ${epoch}. If earlier epochs had some, the source ran dry. ${advice}` : '.'}`,
    );
  }
  return examples;
}

/** Names the fields only: the content may be personal. */
const describe = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `an object with the fields ${Object.keys(value).join(', ') || '(none)'}`
    : typeof value;
