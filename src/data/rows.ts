import { badArgument } from '../core/errors';
import type { Head } from '../model/types';
import { findings } from './issues';
import type { Example, Rehearsed } from './types';

/** An example and where its label stands in the logits. */
export interface Row {
  readonly example: Example;
  /** Absent in batches without labels. */
  readonly target?: { readonly head: Head; readonly column: number };
}

/** Looks every label up in the example's head; one error of `owner` names all that are not there. */
export function labelledRows(owner: string, examples: readonly Rehearsed[], of = 'row'): Row[] {
  const problems = findings();
  const rows = examples.map(({ example, head }, i): Row => {
    const { label } = example;
    const column = label === undefined ? undefined : head.columnOf(label);
    if (column !== undefined) return { example, target: { head, column } };
    problems.add({
      message:
        label === undefined
          ? `${of} ${i + 1} has no label; head '${head.name}' needs one: ${listed(head.labels)}`
          : `label '${label}' in ${of} ${i + 1} is not in head '${head.name}'; add it or drop the row`,
    });
    return { example };
  });
  const heads = [...new Set(examples.map(({ head }) => head))];
  problems.throwIfAny(
    'unknown-label',
    `${owner} cannot use the labels (${heads.map((head) => `head '${head.name}' has ${listed(head.labels)}`).join('; ')})`,
  );
  return rows;
}

/** Names of the views that the rows bring; all must bring the same. */
export function viewNames(rows: readonly Row[]): string[] {
  const names = [...new Set(rows.flatMap(({ example }) => Object.keys(example.views ?? {})))];
  const taken = names.find((name) => ['inputs', 'examples', 'vocabulary', 'labels', 'classes', 'shares'].includes(name));
  if (taken) throw badArgument('batches', `a view must not be called '${taken}', which is a field of every batch`);
  requireViews(rows, names, 'row');
  return names;
}

export function requireViews(rows: readonly Row[], names: readonly string[], of: string): void {
  const problems = findings();
  for (const name of names) {
    rows.forEach(({ example }, i) => {
      if (!example.views?.[name]) problems.add({ message: `${of} ${i + 1} has no view '${name}', which other rows have` });
    });
  }
  problems.throwIfAny('bad-data', 'batches needs the same views on all examples: send all of them through the same transform');
}

/** Enough labels to see what is meant. */
const listed = (labels: readonly string[]): string =>
  labels.length <= 20 ? labels.join(', ') : `${labels.slice(0, 20).join(', ')} and ${labels.length - 20} more`;
