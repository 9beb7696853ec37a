import { findings } from '../data/issues';
import { readAll } from '../data/source';
import type { Example, ExampleSource } from '../data/types';
import { viewed, type WithView } from './viewed';

export interface ByIdOptions<Name extends string = string> {
  /** The view's name. Default `translation`. */
  readonly view?: Name;
}

/**
 * Joins two files of parallel texts by their ids: each example gets the text of the same id in the other language as a view.
 *
 * **Needs** an id in every row, once in each source. **Cost** both sources in memory.
 * **Limits** the label is that of the example; translations that nobody asks for are left out. **See also** `translated`.
 *
 * @returns the examples in their order
 * @throws HoldfastError `bad-data` with all rows that have no id, one that another row has, or one without a translation
 * @example
 * const german = [{ id: '7', text: 'wo ist meine rechnung' }];
 * const parallel = await byId([{ id: '7', text: 'where is my invoice', label: 'invoice' }], german);
 */
export async function byId<E extends Example, Name extends string = 'translation'>(
  source: ExampleSource<E>,
  translations: ExampleSource,
  { view = 'translation' as Name }: ByIdOptions<Name> = {},
): Promise<WithView<E, Name>[]> {
  const problems = findings();
  const rowsOf = <Row extends Example>(rows: readonly Row[], kind: string): Map<string, Row> => {
    const byOwn = new Map<string, Row>();
    rows.forEach((row, r) => {
      if (row.id === undefined) problems.add({ message: `row ${r + 1} of the ${kind} has no id` });
      else if (byOwn.has(row.id))
        problems.add({ message: `row ${r + 1} of the ${kind} has the id '${row.id}', as one before it` });
      else byOwn.set(row.id, row);
    });
    return byOwn;
  };
  const own = rowsOf(await readAll('byId', source), 'examples');
  const others = rowsOf(await readAll('byId', translations), 'translations');
  const joined = [...own].flatMap(([id, example]) => {
    const other = others.get(id);
    if (other) return [viewed(example, view, other)];
    problems.add({ message: `no translation has the id '${id}'` });
    return [];
  });
  problems.throwIfAny('bad-data', 'byId cannot join the rows');
  return joined;
}
