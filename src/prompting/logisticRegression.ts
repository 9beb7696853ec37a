import { HoldfastError, badArgument, requireCount, requireNumber, requirePositive } from '../core/errors';
import { lbfgs } from './lbfgs';

export interface LogisticRegressionOptions {
  /** λ, above 0: how much large weights cost. scikit-learn's `C` is 1 / λ. Default 1. */
  readonly l2?: number;
  /** Largest entry of the gradient, of the mean loss, at which it is done. Default 1e-8. */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly iterations?: number;
}

/** A linear classifier, on the host. K = classes, D = numbers of an input. */
export interface LogisticRegression {
  readonly classCount: number;
  /** [K, D]; for two classes [1, D], those of the second, as the first one's logit is 0. */
  readonly weights: Float64Array;
  /** [K], or [1]. */
  readonly bias: Float64Array;
  readonly iterations: number;
  /** False if the iterations ran out. */
  readonly converged: boolean;
  /** Of one input [D] → [K]. */
  logits(input: ArrayLike<number>): Float64Array;
}

/**
 * Multinomial logistic regression with a penalty on large weights: a head on frozen vectors, found exactly and without a device.
 *
 * `L = Σ_n −ln softmax(W x_n + b)[y_n] + λ/2 ‖W‖²` with `x` of [N, D], `W` of [K, D]; the bias costs nothing. The problem is convex, so there
 * is one answer, whatever the seed. The same numbers as scikit-learn's `LogisticRegression`, its binary case included.
 *
 * **Needs** two classes or more, numbered from 0. **Cost** N · D · K products per iteration, on one core.
 * **Limits** for large λ all inputs get the frequencies of the classes.
 * **See also** `linearProbe` (vectors of a model), `setFit`.
 *
 * @param inputs N vectors of one length
 * @param classes the class of each, 0 to K − 1
 * @throws HoldfastError `bad-argument`; `bad-data` for vectors of different lengths or with numbers that are not finite
 * @see https://scikit-learn.org/stable/modules/linear_model.html#logistic-regression
 * @example
 * const { weights, logits } = logisticRegression([[0, 1], [1, 0], [1, 1]], [0, 1, 1], { l2: 0.1 });
 * console.log(weights, logits([1, 2]));
 */
export function logisticRegression(
  inputs: readonly ArrayLike<number>[],
  classes: readonly number[],
  { l2 = 1, tolerance = 1e-8, iterations = 1000 }: LogisticRegressionOptions = {},
): LogisticRegression {
  requirePositive('logisticRegression', 'l2', l2);
  requireNumber('logisticRegression', 'tolerance', tolerance);
  requireCount('logisticRegression', 'iterations', iterations);
  const x = requireVectors(inputs);
  const K = requireClasses(classes, inputs.length);
  const [N, D] = [inputs.length, inputs[0]!.length];
  // Of two classes one row says all: the penalty then counts the difference, as it does in scikit-learn.
  const rows = K === 2 ? 1 : K;

  const loss = (at: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let total = 0;
    for (let n = 0; n < N; n++) {
      const logits = logitsOf(at, x, n * D, { K, D });
      const chances = softmaxed(logits);
      total -= Math.log(Math.max(chances[classes[n]!]!, Number.MIN_VALUE));
      for (let r = 0; r < rows; r++) {
        const k = K - rows + r;
        const error = chances[k]! - (classes[n] === k ? 1 : 0);
        for (let d = 0; d < D; d++) gradient[r * D + d]! += error * x[n * D + d]!;
        gradient[rows * D + r]! += error;
      }
    }
    for (let i = 0; i < rows * D; i++) {
      total += (l2 / 2) * at[i]! * at[i]!;
      gradient[i]! += l2 * at[i]!;
    }
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= N;
    return total / N;
  };
  const best = lbfgs(loss, new Float64Array(rows * (D + 1)), { tolerance, iterations });
  return {
    classCount: K,
    weights: best.x.slice(0, rows * D),
    bias: best.x.slice(rows * D),
    iterations: best.iterations,
    converged: best.converged,
    logits(input) {
      if (input.length !== D) throw badArgument('logits', `wanted a vector of ${D} numbers, got ${input.length}`);
      return logitsOf(best.x, input, 0, { K, D });
    },
  };
}

/** W x + b for the D numbers from `from`: [K]. */
function logitsOf(at: Float64Array, x: ArrayLike<number>, from: number, { K, D }: { K: number; D: number }): Float64Array {
  const logits = new Float64Array(K);
  const rows = K === 2 ? 1 : K;
  for (let r = 0; r < rows; r++) {
    let logit = at[rows * D + r]!;
    for (let d = 0; d < D; d++) logit += at[r * D + d]! * x[from + d]!;
    logits[K - rows + r] = logit;
  }
  return logits;
}

function softmaxed(logits: Float64Array): Float64Array {
  const most = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - most));
  const total = shares.reduce((sum, share) => sum + share, 0);
  return shares.map((share) => share / total);
}

function requireVectors(inputs: readonly ArrayLike<number>[]): Float64Array {
  const width = inputs[0]?.length ?? 0;
  if (width === 0) throw new HoldfastError('bad-data', 'logisticRegression: there are no vectors, or they are empty.');
  const flat = new Float64Array(inputs.length * width);
  inputs.forEach((input, n) => {
    if (input.length !== width)
      throw new HoldfastError(
        'bad-data',
        `logisticRegression: vector 1 has ${width} numbers, vector ${n + 1} has ${input.length}.`,
      );
    flat.set(Array.from(input), n * width);
  });
  const odd = flat.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0)
    throw new HoldfastError(
      'bad-data',
      `logisticRegression: vector ${Math.floor(odd / width) + 1} has a number that is not finite.`,
    );
  return flat;
}

function requireClasses(classes: readonly number[], count: number): number {
  if (classes.length !== count)
    throw badArgument('logisticRegression', `there are ${count} vectors, but ${classes.length} classes: each needs one`);
  classes.forEach((label, n) => requireCount('logisticRegression', `classes[${n}]`, label, 0));
  const K = classes.reduce((most, label) => Math.max(most, label), 0) + 1;
  if (new Set(classes).size < 2) throw badArgument('logisticRegression', 'all vectors have one class: it takes two or more');
  return K;
}
