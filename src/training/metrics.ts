import { badArgument } from '../core/errors';

/** Counts of each expected class (row) by each predicted class (column), in the order of `classes`. */
export interface Confusion<Class> {
  readonly classes: readonly Class[];
  readonly counts: readonly (readonly number[])[];
}

/** Share of the predictions that are right; NaN of nothing. */
export function accuracyOf<Class>(expected: readonly Class[], predicted: readonly Class[]): number {
  requireSameLength('accuracyOf', expected, predicted);
  return expected.filter((value, i) => value === predicted[i]).length / expected.length;
}

/**
 * Mean over the classes of `F₁ = 2 TP / (2 TP + FP + FN)`: every class counts the same, however rare it is.
 *
 * The classes are those that were expected or predicted at least once, and one that was never right counts 0, as in scikit-learn's
 * `f1_score(average='macro')`. NaN of nothing.
 *
 * @see https://scikit-learn.org/stable/modules/generated/sklearn.metrics.f1_score.html
 */
export function macroF1Of<Class>(expected: readonly Class[], predicted: readonly Class[]): number {
  requireSameLength('macroF1Of', expected, predicted);
  const [right, seen] = [new Map<Class, number>(), new Map<Class, number>()];
  const count = (counts: Map<Class, number>, value: Class) => counts.set(value, (counts.get(value) ?? 0) + 1);
  expected.forEach((value, i) => {
    count(seen, value);
    count(seen, predicted[i]!);
    if (value === predicted[i]) count(right, value);
  });
  // TP + FN is how often a class was expected, TP + FP how often it was predicted.
  const scores = [...seen].map(([value, all]) => (2 * (right.get(value) ?? 0)) / all);
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** @throws HoldfastError `bad-argument` if a value is none of `classes` */
export function confusionOf<Class>(
  expected: readonly Class[],
  predicted: readonly Class[],
  classes: readonly Class[],
): Confusion<Class> {
  requireSameLength('confusionOf', expected, predicted);
  const places = new Map(classes.map((value, place) => [value, place]));
  const placeOf = (value: Class) => {
    const place = places.get(value);
    if (place === undefined) throw badArgument('confusionOf', `'${String(value)}' is none of the ${classes.length} classes`);
    return place;
  };
  const counts = classes.map(() => classes.map(() => 0));
  expected.forEach((value, i) => counts[placeOf(value)]![placeOf(predicted[i]!)]!++);
  return { classes, counts };
}

function requireSameLength(owner: string, expected: readonly unknown[], predicted: readonly unknown[]): void {
  if (expected.length === predicted.length) return;
  throw badArgument(
    owner,
    `${expected.length} expected and ${predicted.length} predicted values: there must be one of each per row`,
  );
}
