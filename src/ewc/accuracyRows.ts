import { badArgument, requireNumber } from '../core/errors';

/** What `evaluate` says of one test set, or the accuracy alone. */
export type Measured = number | { readonly accuracy: number; readonly macroF1?: number };

/** By name of the test set. */
export type Results = Readonly<Record<string, Measured>>;

export interface Result {
  readonly accuracy: number;
  readonly macroF1?: number;
}

/** Checked results by name of the test set. */
export type Row = ReadonlyMap<string, Result>;

/** By task, in the order in which they were learned. */
export type Rows = ReadonlyMap<string, Row>;

/** The rows as a table: null = not measured. */
export interface Grids {
  readonly tasks: readonly string[];
  /** The columns: the tasks in their order, then the other test sets that were measured. */
  readonly tests: readonly string[];
  /** Rows in learning order; null = not measured. */
  readonly accuracy: readonly (readonly (number | null)[])[];
  /** Absent where no result brought it. */
  readonly macroF1?: readonly (readonly (number | null)[])[];
}

/** The rows and one more; those given stay as they are. */
export function withRow(rows: Rows, task: string, results: Results): Rows {
  if (rows.has(task))
    throw badArgument('accuracyMatrix', `task '${task}' was added before: give a second visit a name of its own.`);
  const missing = [...rows.keys(), task].filter((name) => results[name] === undefined);
  if (missing.length > 0)
    throw badArgument(
      'accuracyMatrix',
      `the results after '${task}' lack ${missing.map((name) => `'${name}'`).join(', ')}: test every task learned so far.`,
    );
  return new Map([...rows, [task, rowOf(results)]]);
}

export const rowOf = (results: Results): Row =>
  new Map(
    Object.entries(results).map(([name, measured]) => {
      const { accuracy, macroF1 } = typeof measured === 'number' ? { accuracy: measured } : measured;
      requireNumber('accuracyMatrix', `accuracy on '${name}'`, accuracy, 0, 1);
      if (macroF1 !== undefined) requireNumber('accuracyMatrix', `macro-F1 on '${name}'`, macroF1, 0, 1);
      return [name, { accuracy, ...(macroF1 !== undefined && { macroF1 }) }];
    }),
  );

export const gridOf = (rows: Rows, tests: readonly string[], of: keyof Result): (number | null)[][] =>
  [...rows.values()].map((row) => tests.map((test) => row.get(test)?.[of] ?? null));

export function gridsOf(rows: Rows): Grids {
  const tests = [...new Set([...rows.keys(), ...[...rows.values()].flatMap((row) => [...row.keys()])])];
  const macroF1 = gridOf(rows, tests, 'macroF1');
  return {
    tasks: [...rows.keys()],
    tests,
    accuracy: gridOf(rows, tests, 'accuracy'),
    ...(macroF1.flat().some((score) => score !== null) && { macroF1 }),
  };
}

/** The rows that `gridsOf` was given. */
export const rowsIn = ({ tasks, tests, accuracy, macroF1 }: Grids): Rows =>
  tasks.reduce<Rows>((rows, task, t) => {
    const results = tests.flatMap((test, i) => {
      const [value, score] = [accuracy[t]?.[i], macroF1?.[t]?.[i]];
      return value == null ? [] : [[test, { accuracy: value, ...(score != null && { macroF1: score }) }] as const];
    });
    return withRow(rows, task, Object.fromEntries(results));
  }, new Map());
