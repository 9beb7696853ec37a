import { badArgument } from '../core/errors';
import type { Table } from '../core/format';
import { gridOf, gridsOf, rowOf, rowsIn, withRow, type Grids, type Measured, type Row, type Rows } from './accuracyRows';
import { boundsInWords, checkedBounds, type Bound, type SequenceBounds } from './sequenceBounds';
import { inWords, mean, sequenceSummaryOf, type SequenceSummary } from './sequenceSummary';

export type { Bound, Measured, SequenceBounds, SequenceSummary };

/** A matrix as plain JSON. `summary` is for its reader. */
export interface AccuracyMatrixJson extends Grids {
  readonly baseline?: Readonly<Record<string, Measured>>;
  readonly bounds?: SequenceBounds;
  readonly summary?: SequenceSummary | null;
}

export interface AccuracyMatrix {
  /** The tasks in the order in which they were learned. */
  readonly tasks: readonly string[];
  /** After learning `task`: every task learned so far must be among the results; others are kept as they are. */
  add(task: string, results: Readonly<Record<string, Measured>>): void;
  /** Before the first task: results of the untrained model, for the forward transfer. Later calls add to it. */
  baseline(results: Readonly<Record<string, Measured>>): void;
  /** For the report. Later calls add to it. */
  bounds(bounds: SequenceBounds): void;
  /** R[t][i] = accuracy on task i after learning task t. @throws HoldfastError `bad-argument` if it was not measured */
  at(after: string, on: string): number;
  /** @throws HoldfastError `bad-argument` before the first task */
  summary(): SequenceSummary;
  toJSON(): AccuracyMatrixJson;
  /** Takes what `toJSON` gave in place of its own, so that a sequence goes on in another process. */
  restore(json: AccuracyMatrixJson): void;
  /** For `format`. */
  table(): Table;
}

/**
 * The table that continual learning is judged by: after each task, the accuracy on every task.
 *
 * **Needs** for the forward transfer the heads of all tasks from the start: `baseline(await evaluate(model, tests))` before the first
 * task, and all tests after each.
 * **Limits** with one task nothing can be forgotten: BWT and forgetting are 0.
 * **Differs** from Avalanche, whose forgetting compares with the first measurement instead of the best (ours is the definition of Chaudhry).
 * **See also** `sequenceSummaryOf` (the formulas alone).
 *
 * @see Lopez-Paz and Ranzato, Gradient Episodic Memory, NeurIPS 2017, arXiv:1706.08840 (ACC, BWT, FWT)
 * @see Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, arXiv:1801.10112 (forgetting)
 * @example
 * const matrix = accuracyMatrix();
 * matrix.baseline({ billing: 0.5, shipping: 0.25 });
 * matrix.add('billing', { billing: 0.9, shipping: 0.5 });
 * matrix.add('shipping', { billing: 0.7, shipping: 0.8 });
 * matrix.summary(); // { final: 0.75, learn: 0.85, bwt: −0.2, forgetting: 0.2, fwt: 0.25 }
 * matrix.bounds({ naive: 0.6, joint: 0.9 });
 * console.log(format(matrix));
 * const later = accuracyMatrix();
 * later.restore(JSON.parse(JSON.stringify(matrix)));
 */
export function accuracyMatrix(): AccuracyMatrix {
  let [rows, untrained, bounds]: [Rows, Row, SequenceBounds] = [new Map(), new Map(), {}];

  const tasks = () => [...rows.keys()];
  const baselineOf = (order: readonly string[]) => order.map((task) => untrained.get(task)?.accuracy ?? null);
  const lastScores = () => gridOf(rows, tasks(), 'macroF1').at(-1) ?? [];

  const summary = (): SequenceSummary => {
    const order = tasks();
    if (order.length === 0) throw badArgument('accuracyMatrix', 'no task was added yet: call add() after learning one.');
    const scores = lastScores().filter((score) => score !== null);
    return {
      ...sequenceSummaryOf(gridOf(rows, order, 'accuracy'), baselineOf(order)),
      ...(scores.length === order.length && { macroF1: mean(scores) }),
    };
  };

  return {
    get tasks() {
      return tasks();
    },
    add(task, results) {
      rows = withRow(rows, task, results);
    },
    baseline(results) {
      untrained = new Map([...untrained, ...rowOf(results)]);
    },
    bounds(given) {
      bounds = { ...bounds, ...checkedBounds('accuracyMatrix', given) };
    },
    at(after, on) {
      const result = rows.get(after)?.get(on);
      if (!result) throw badArgument('accuracyMatrix', `'${on}' was not measured after '${after}'.`);
      return result.accuracy;
    },
    summary,
    toJSON: () => ({
      ...gridsOf(rows),
      ...(untrained.size > 0 && { baseline: Object.fromEntries(untrained) }),
      ...(Object.keys(bounds).length > 0 && { bounds: structuredClone(bounds) }),
      summary: rows.size === 0 ? null : summary(),
    }),
    restore(json) {
      [rows, untrained, bounds] = [rowsIn(json), rowOf(json.baseline ?? {}), checkedBounds('accuracyMatrix', json.bounds ?? {})];
    },
    table() {
      const [order, measured] = [tasks(), (row: readonly (number | null)[]) => row.some((value) => value !== null)];
      const [before, scores] = [baselineOf(order), lastScores()];
      return {
        title: 'Accuracy on each task (columns) after learning each task (rows)',
        columns: ['after', ...order],
        rows: [
          ...(measured(before) ? [['(untrained)', ...before]] : []),
          ...gridOf(rows, order, 'accuracy').map((row, t) => [order[t]!, ...row]),
          ...(measured(scores) ? [[`${order.at(-1)} (macro-F1)`, ...scores]] : []),
        ],
        notes: [...(rows.size === 0 ? [] : [inWords(summary())]), ...boundsInWords(bounds)],
      };
    },
  };
}
