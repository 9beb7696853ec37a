import { badArgument, requireNumber } from '../core/errors';
import type { Table } from '../core/format';

/** What `evaluate` says of one test set, or the accuracy alone. */
export type Measured = number | { readonly accuracy: number };

/** How a sequence of tasks went; all are accuracies or differences of accuracies, from −1 to 1. T = tasks learned. */
export interface SequenceSummary {
  /** ACC: mean over the tasks i of R[T][i]. */
  readonly final: number;
  /** Mean of R[i][i]: how well each task was learned at its time. */
  readonly learn: number;
  /** BWT: mean over i < T of R[T][i] − R[i][i]; below 0 = later tasks did harm. */
  readonly bwt: number;
  /** Mean over i < T of max_t R[t][i] − R[T][i], t from i to T: what was lost against the best it ever was. */
  readonly forgetting: number;
}

export interface AccuracyMatrix {
  /** The tasks in the order in which they were learned. */
  readonly tasks: readonly string[];
  /** After learning `task`: the results by name of the test set. Every task learned so far must be among them; others are kept as they are. */
  add(task: string, results: Readonly<Record<string, Measured>>): void;
  /** R[t][i] = accuracy on task i after learning task t. @throws HoldfastError `bad-argument` if it was not measured */
  at(after: string, on: string): number;
  /** @throws HoldfastError `bad-argument` before the first task */
  summary(): SequenceSummary;
  /** Rows in learning order; null = not measured. */
  toJSON(): { tasks: string[]; accuracy: (number | null)[][]; summary: SequenceSummary | null };
  /** For `format`. */
  table(): Table;
}

/**
 * The table that continual learning is judged by: after each task, the accuracy on every task.
 *
 * **Limits** with one task nothing can be forgotten: BWT and forgetting are 0.
 * **Differs** from Avalanche, whose forgetting compares with the first measurement instead of the best (ours is the definition of Chaudhry).
 *
 * @see Lopez-Paz and Ranzato, Gradient Episodic Memory, NeurIPS 2017, arXiv:1706.08840 (ACC, BWT)
 * @see Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, arXiv:1801.10112 (forgetting)
 * @example
 * const matrix = accuracyMatrix();
 * matrix.add('billing', { billing: 0.9, shipping: 0.5 });
 * matrix.add('shipping', { billing: 0.7, shipping: 0.8 });
 * matrix.summary(); // { final: 0.75, learn: 0.85, bwt: −0.2, forgetting: 0.2 }
 */
export function accuracyMatrix(): AccuracyMatrix {
  const rows = new Map<string, ReadonlyMap<string, number>>();

  const at = (after: string, on: string): number => {
    const value = rows.get(after)?.get(on);
    if (value === undefined) throw badArgument('accuracyMatrix', `'${on}' was not measured after '${after}'.`);
    return value;
  };
  const tasks = () => [...rows.keys()];

  const summary = (): SequenceSummary => {
    const order = tasks();
    const last = order.at(-1);
    if (last === undefined) throw badArgument('accuracyMatrix', 'no task was added yet: call add() after learning one.');
    const earlier = order.slice(0, -1);
    const best = (on: string) => Math.max(...order.slice(order.indexOf(on)).map((after) => at(after, on)));
    return {
      final: mean(order.map((task) => at(last, task))),
      learn: mean(order.map((task) => at(task, task))),
      bwt: mean(earlier.map((task) => at(last, task) - at(task, task))),
      forgetting: mean(earlier.map((task) => best(task) - at(last, task))),
    };
  };

  return {
    get tasks() {
      return tasks();
    },
    add(task, results) {
      if (rows.has(task))
        throw badArgument('accuracyMatrix', `task '${task}' was added before: give a second visit a name of its own.`);
      const missing = [...rows.keys(), task].filter((name) => results[name] === undefined);
      if (missing.length > 0)
        throw badArgument(
          'accuracyMatrix',
          `the results after '${task}' lack ${missing.map((name) => `'${name}'`).join(', ')}: test every task learned so far.`,
        );
      const row = new Map(
        Object.entries(results).map(([name, measured]) => [name, typeof measured === 'number' ? measured : measured.accuracy]),
      );
      for (const [name, value] of row) requireNumber('accuracyMatrix', `accuracy on '${name}'`, value, 0, 1);
      rows.set(task, row);
    },
    at,
    summary,
    toJSON: () => ({
      tasks: tasks(),
      accuracy: [...rows.values()].map((row) => tasks().map((task) => row.get(task) ?? null)),
      summary: rows.size === 0 ? null : summary(),
    }),
    table: () => ({
      title: 'Accuracy on each task (columns) after learning each task (rows)',
      columns: ['after', ...tasks()],
      rows: [...rows].map(([task, row]) => [task, ...tasks().map((name) => row.get(name) ?? null)]),
      notes: rows.size === 0 ? [] : [inWords(summary())],
    }),
  };
}

const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length);

const inWords = ({ final, learn, bwt, forgetting }: SequenceSummary): string =>
  `final (ACC) ${final.toFixed(3)}, when learned ${learn.toFixed(3)}, backward transfer (BWT) ${bwt.toFixed(3)}, forgetting ${forgetting.toFixed(3)}`;
