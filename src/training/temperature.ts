import { badArgument, requireCount, requireNumber } from '../core/errors';

/**
 * The temperature that makes a classifier's probabilities honest: of the answers given with 80 %, about 80 % are then right.
 *
 * `T = argmin Σ_n CE(z_n / T, y_n) + k (1/T − ln 1/T)` over held-out logits z of [N, C]. It is found to the last digits: both summands
 * are convex in 1/T. Dividing by T changes no answer, only how sure it is.
 *
 * **Needs** examples that were not trained on: on its own training rows every network looks too sure of itself for good reason.
 * **Cost** about ten passes over the N · C logits on the host.
 * **Limits** k = 0 is the paper's maximum likelihood, which has no solution where every row is right (T → 0) or the labels are no likelier
 * than chance (T → ∞). T → 1 with little to go by.
 * **Differs from the paper** in the second summand, which weighs as much as k examples and is least at T = 1: few held-out rows, all of
 * them right, are what a good classifier with few labels has.
 * **See also** `calibrationErrorOf`; `fitScope`, which does this on a model and strings.
 *
 * @param logits the classes that take part, one row per example
 * @param labels place of each row's class in its logits
 * @param options `prior`: k, in examples; default 1
 * @throws HoldfastError `bad-argument` for no rows, a label without a logit, a logit that is not finite; with k = 0 where there is no
 *   solution
 * @see Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599, section 4.2
 * @example
 * temperatureOf([[4, 0], [4, 0], [0, 4], [0, 4]], [0, 0, 1, 0]); // 2.42: one of four is wrong, though all are called 98 % sure
 */
export function temperatureOf(
  logits: readonly ArrayLike<number>[],
  labels: ArrayLike<number>,
  { prior = 1 }: { readonly prior?: number } = {},
): number {
  requireNumber('temperatureOf', 'prior', prior);
  const rows = belowTarget(logits, labels);
  if (prior === 0) requireSolution(rows);
  // Newton's steps in 1/T, held between the bounds that the slope's sign has shown so far.
  let [low, high, sharpness] = [0, Infinity, 1];
  for (let step = 0; step < 200; step++) {
    let [slope, curvature] = [prior * (1 - 1 / sharpness), prior / sharpness ** 2];
    for (const row of rows) {
      const { mean, variance } = momentsOf(row, sharpness);
      slope += mean;
      curvature += variance;
    }
    if (slope < 0) low = sharpness;
    else high = sharpness;
    const most = Math.min(high, 4 * sharpness);
    const newton = sharpness - slope / curvature;
    const next = newton > low && newton < most ? newton : most < high ? most : (low + high) / 2;
    if (slope === 0 || Math.abs(next - sharpness) <= 1e-14 * sharpness) break;
    sharpness = next;
  }
  return 1 / sharpness;
}

/**
 * Expected calibration error: how far, in the mean, the probability of an answer is from how often such answers are right.
 *
 * `Σ_m n_m / N · |right_m / n_m − mean chance_m|` over M bins of equal width, ((m − 1) / M, m / M]. NaN of nothing.
 *
 * **Limits** 0 to 1; it grows with few rows per bin, so compare on the same rows only.
 *
 * @param chances probability of each answer, 0 to 1
 * @param right whether it was the right one
 * @param options `bins`: M; default 15
 * @see Guo et al., On Calibration of Modern Neural Networks, ICML 2017, arXiv:1706.04599, eq. 3
 * @example
 * calibrationErrorOf([0.9, 0.9, 0.9, 0.9], [true, true, true, false]); // 0.15
 */
export function calibrationErrorOf(
  chances: ArrayLike<number>,
  right: ArrayLike<boolean>,
  { bins = 15 }: { readonly bins?: number } = {},
): number {
  requireCount('calibrationErrorOf', 'bins', bins);
  if (chances.length !== right.length)
    throw badArgument(
      'calibrationErrorOf',
      `${chances.length} chances and ${right.length} answers: there must be one of each per row`,
    );
  const gaps = new Float64Array(bins);
  for (let n = 0; n < chances.length; n++) {
    requireNumber('calibrationErrorOf', `the chance of row ${n + 1}`, chances[n]!, 0, 1);
    gaps[Math.max(0, Math.ceil(chances[n]! * bins) - 1)]! += Number(right[n]) - chances[n]!;
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / chances.length;
}

/** Logits less that of the row's own class: the loss of a row is then `log Σ_c exp(d_c / T)`. */
function belowTarget(logits: readonly ArrayLike<number>[], labels: ArrayLike<number>): Float64Array[] {
  if (logits.length === 0) throw badArgument('temperatureOf', 'no rows: give the logits of held-out examples');
  if (logits.length !== labels.length)
    throw badArgument('temperatureOf', `${logits.length} rows of logits and ${labels.length} labels: there must be one of each`);
  return logits.map((row, n) => {
    requireCount('temperatureOf', `the label of row ${n + 1}`, labels[n]!, 0, row.length - 1);
    const differences = Float64Array.from(row, (logit) => logit - row[labels[n]!]!);
    if (!differences.every(Number.isFinite)) throw badArgument('temperatureOf', `row ${n + 1} has a logit that is not finite`);
    return differences;
  });
}

/** Mean and variance of a row's differences under its softmax: slope and curvature of its loss in 1/T. */
function momentsOf(differences: Float64Array, sharpness: number): { mean: number; variance: number } {
  const most = differences.reduce((a, b) => Math.max(a, b));
  let [sum, first, second] = [0, 0, 0];
  for (const difference of differences) {
    const down = difference - most;
    const weight = Math.exp(down * sharpness);
    sum += weight;
    first += weight * down;
    second += weight * down * down;
  }
  return { mean: most + first / sum, variance: Math.max(0, second / sum - (first / sum) ** 2) };
}

function requireSolution(rows: readonly Float64Array[]): void {
  const advice = 'give more rows, or leave prior at 1';
  if (rows.every((row) => row.every((difference) => difference <= 0)))
    throw badArgument(
      'temperatureOf',
      `all ${rows.length} rows are right, so every lower temperature fits them better: ${advice}`,
    );
  if (rows.reduce((sum, row) => sum + row.reduce((a, b) => a + b) / row.length, 0) >= 0)
    throw badArgument(
      'temperatureOf',
      `the ${rows.length} labels are no likelier than chance, so no temperature fits them: ${advice}`,
    );
}
