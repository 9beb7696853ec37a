import { badArgument } from '../core/errors';

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
  /**
   * FWT: mean over i > 1 of R[i−1][i] − b[i], b the untrained model; above 0 = earlier tasks help later ones before these are learned.
   * Absent with one task, and unless all of these were measured.
   */
  readonly fwt?: number;
  /** Mean over the tasks of the macro-F1 after the last one; absent unless the results brought all of them. */
  readonly macroF1?: number;
}

/** What is not measured is null, or left out at the end. */
type Numbers = readonly (number | null | undefined)[];

/**
 * The measures of a sequence from its matrix: R[t][i] = accuracy on task i after learning task t, [T, T]; above the diagonal only
 * R[i−1][i] is looked at.
 *
 * **Limits** with one task nothing can be forgotten: BWT and forgetting are 0.
 * **See also** `accuracyMatrix`, which collects the numbers.
 *
 * @param baseline b[i] = accuracy of the untrained model on task i
 * @throws HoldfastError `bad-argument` if R is empty or a number on or below the diagonal is missing
 * @see Lopez-Paz and Ranzato, Gradient Episodic Memory, NeurIPS 2017, arXiv:1706.08840 (ACC, BWT, FWT)
 * @see Chaudhry et al., Riemannian Walk for Incremental Learning, ECCV 2018, arXiv:1801.10112 (forgetting)
 * @example
 * const { bwt, fwt } = sequenceSummaryOf([[0.9, 0.5], [0.7, 0.8]], [0.5, 0.25]); // −0.2 and 0.25
 */
export function sequenceSummaryOf(R: readonly Numbers[], baseline: Numbers = []): SequenceSummary {
  if (R.length === 0) throw badArgument('sequenceSummaryOf', 'there is no task: R needs a row for each task that was learned.');
  const last = R.length - 1;
  const at = (t: number, i: number): number => {
    const value = R[t]![i];
    if (value == null)
      throw badArgument('sequenceSummaryOf', `R[${t}][${i}] is missing: after each task all tasks learned so far are tested.`);
    return value;
  };
  const all = R.map((_, i) => i);
  const earlier = all.slice(0, -1);
  const best = (i: number) => Math.max(...all.slice(i).map((t) => at(t, i)));
  const transfers = all.slice(1).flatMap((i) => differenceOf(R[i - 1]![i], baseline[i]));
  return {
    final: mean(all.map((i) => at(last, i))),
    learn: mean(all.map((i) => at(i, i))),
    bwt: mean(earlier.map((i) => at(last, i) - at(i, i))),
    forgetting: mean(earlier.map((i) => best(i) - at(last, i))),
    ...(last > 0 && transfers.length === last && { fwt: mean(transfers) }),
  };
}

const differenceOf = (value: number | null | undefined, from: number | null | undefined): number[] =>
  value == null || from == null ? [] : [value - from];

/** 0 of nothing. */
export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length;

export const inWords = ({ final, learn, bwt, forgetting, fwt, macroF1 }: SequenceSummary): string =>
  [
    `final (ACC) ${final.toFixed(3)}`,
    `when learned ${learn.toFixed(3)}`,
    `backward transfer (BWT) ${bwt.toFixed(3)}`,
    `forgetting ${forgetting.toFixed(3)}`,
    ...(fwt === undefined ? [] : [`forward transfer (FWT) ${fwt.toFixed(3)}`]),
    ...(macroF1 === undefined ? [] : [`macro-F1 ${macroF1.toFixed(3)}`]),
  ].join(', ');
