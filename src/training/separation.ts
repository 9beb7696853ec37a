import { badArgument, requireNumber } from '../core/errors';

type Scores = ArrayLike<number>;

/**
 * How well a score tells two groups apart: the probability that one of the first scores higher than one of the second, equal counts ½.
 *
 * `AUROC = (#{a > b} + ½ #{a = b}) / (N M)`, exact. 1 = apart, ½ = not at all, below ½ = the wrong way round. NaN if a group is empty.
 *
 * @throws HoldfastError `bad-argument` for a score that is not a number
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.roc_auc_score.html
 * @example
 * aurocOf([0.9, 0.8, 0.4], [0.4, 0.1]); // 5.5 of 6 pairs
 */
export function aurocOf(higher: Scores, lower: Scores): number {
  // Twice the area, in whole numbers.
  let [area, inside, outside] = [0, 0, 0];
  for (const cut of cutsOf('aurocOf', higher, lower)) {
    area += (cut.outside - outside) * (cut.inside + inside);
    [inside, outside] = [cut.inside, cut.outside];
  }
  return area / (2 * higher.length * lower.length);
}

/**
 * Area under precision and recall of finding the first group by a high score: `Σ_k (recall_k − recall_k−1) · precision_k` over the
 * distinct scores, downwards. NaN if a group is empty.
 *
 * **Limits** unlike `aurocOf` it depends on how large the groups are; a score that says nothing has N / (N + M).
 *
 * @throws HoldfastError `bad-argument` for a score that is not a number
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.average_precision_score.html
 */
export function averagePrecisionOf(higher: Scores, lower: Scores): number {
  if (lower.length === 0) return NaN;
  let [sum, found] = [0, 0];
  for (const { inside, outside } of cutsOf('averagePrecisionOf', higher, lower)) {
    sum += ((inside - found) * inside) / (inside + outside);
    found = inside;
  }
  return sum / higher.length;
}

/**
 * Share of what is out of scope that passes where the threshold lets a share of what is in scope pass; at 0.95 it is called FPR95.
 *
 * @param acceptance share of what is in scope, 0 to 1. Default 0.95
 * @throws HoldfastError `bad-argument` for a score that is not a number, or `acceptance` out of range
 */
export function falseAcceptanceOf(inScope: Scores, outOfScope: Scores, acceptance = 0.95): number {
  const wanted = countOf('falseAcceptanceOf', acceptance, inScope.length);
  const cut = cutsOf('falseAcceptanceOf', inScope, outOfScope).find(({ inside }) => inside >= wanted);
  return (cut?.outside ?? NaN) / outOfScope.length;
}

/**
 * The highest threshold that at least this share of the scores reach.
 *
 * **Limits** new texts of the same kind pass a little less often than asked for: by up to 1 / (N + 1), in expectation.
 *
 * @param acceptance 0 to 1. Default 0.95
 * @throws HoldfastError `bad-argument` for no scores, one that is not a number, or `acceptance` out of range
 */
export function acceptanceThreshold(scores: Scores, acceptance = 0.95): number {
  const wanted = countOf('acceptanceThreshold', acceptance, scores.length);
  const cut = cutsOf('acceptanceThreshold', scores, []).find(({ inside }) => inside >= wanted);
  if (!cut) throw badArgument('acceptanceThreshold', 'there are no scores: give those of held-out examples');
  return cut.value;
}

/**
 * The threshold with the best balanced accuracy, `½ (share of in scope at or above + share of out of scope below)`: half-way between
 * two scores, and of several equals the one that lets most pass.
 *
 * @throws HoldfastError `bad-argument` if a group is empty, or for a score that is not a number
 */
export function balancedThreshold(inScope: Scores, outOfScope: Scores): number {
  if (inScope.length === 0 || outOfScope.length === 0)
    throw badArgument(
      'balancedThreshold',
      `${inScope.length} scores in scope and ${outOfScope.length} out of it: both are needed`,
    );
  const cuts = cutsOf('balancedThreshold', inScope, outOfScope);
  // Whole numbers, so that equals are equal.
  const gain = ({ inside, outside }: Cut) => inside * outOfScope.length - outside * inScope.length;
  const best = cuts.reduce((most, cut, k) => (gain(cut) >= gain(cuts[most]!) ? k : most), 0);
  const [above, below] = [cuts[best]!.value, cuts[best + 1]?.value];
  if (below === undefined) return above;
  const middle = above / 2 + below / 2;
  return middle > below ? middle : above;
}

/** How many of each group score at least `value`. */
interface Cut {
  readonly value: number;
  readonly inside: number;
  readonly outside: number;
}

/** One cut per distinct score, downwards. */
function cutsOf(owner: string, inScope: Scores, outOfScope: Scores): Cut[] {
  const all = Float64Array.from([...Array.from(inScope), ...Array.from(outOfScope)]);
  if (!all.every(Number.isFinite))
    throw badArgument(owner, 'a score is not a finite number: was the model trained without an error?');
  const order = Array.from(all.keys()).sort((a, b) => all[b]! - all[a]!);
  const cuts: Cut[] = [];
  let inside = 0;
  order.forEach((n, k) => {
    if (n < inScope.length) inside++;
    const value = all[n]!;
    const next = order[k + 1];
    if (next === undefined || all[next] !== value) cuts.push({ value, inside, outside: k + 1 - inside });
  });
  return cuts;
}

/** The least whole number of `total` that is this share; what rounding adds to a product such as 0.55 · 20 is no further one. */
function countOf(owner: string, share: number, total: number): number {
  requireNumber(owner, 'acceptance', share, 0, 1);
  return Math.max(1, Math.ceil(share * total - 1e-9));
}
