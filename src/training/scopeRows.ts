import { badArgument } from '../core/errors';
import { labelledRows, type Row } from '../data/rows';
import { readAll } from '../data/source';
import { tokenised } from '../data/tokenised';
import type { ExampleSource } from '../data/types';
import type { Head, TextModel } from '../model/types';
import { isSource } from './evaluate';
import { columnsOf, logitRows } from './logitRows';

/** Labelled examples by the name of their head. */
export type ByHead = Readonly<Record<string, ExampleSource>>;

/** The examples and where their labels stand; `head` is that of a single source. */
export async function labelledIn(
  owner: string,
  tests: ExampleSource | ByHead,
  heads: readonly Head[],
  head: Head | undefined,
): Promise<Row[]> {
  if (isSource(tests)) {
    if (!head) throw badArgument(owner, 'examples of several heads go by the names of their heads: { name: examples }');
    return labelledOf(owner, tests, headNamed(owner, heads, head.name));
  }
  const parts: Row[][] = [];
  if (Object.keys(tests).length === 0) throw badArgument(owner, 'no examples were given');
  for (const [name, source] of Object.entries(tests)) parts.push(await labelledOf(owner, source, headNamed(owner, heads, name)));
  return parts.flat();
}

export const unlabelled = async (owner: string, source: ExampleSource): Promise<Row[]> =>
  (await readAll(owner, source)).map((example) => ({ example }));

/** Place of each row's class among those that take part. */
export function placesOf(rows: readonly Row[], heads: readonly Head[]): number[] {
  const places = new Map(columnsOf(heads).map((column, place) => [column, place]));
  return rows.map(({ target }) => places.get(target!.column)!);
}

/** Logits of the classes that take part, one row per example. */
export const logitsOf = async (
  model: TextModel,
  rows: readonly Row[],
  heads: readonly Head[],
  batchSize: number,
): Promise<Float32Array[]> =>
  logitRows(model, await tokenised(rows, [], model.tokenizer, model.maxLength), columnsOf(heads), batchSize);

async function labelledOf(owner: string, source: ExampleSource, head: Head): Promise<Row[]> {
  const examples = await readAll(owner, source);
  return labelledRows(
    owner,
    examples.map((example) => ({ example, head })),
  );
}

function headNamed(owner: string, heads: readonly Head[], name: string): Head {
  const head = heads.find((one) => one.name === name);
  if (head) return head;
  throw badArgument(owner, `the classes that take part leave out head '${name}', which the labels belong to`);
}
