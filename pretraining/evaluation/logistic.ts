import { lbfgs } from '../../src/prompting/lbfgs';
import type { Sparse } from './tfIdf';

/** One text with its class. */
export interface LogisticRow {
  readonly vector: Sparse;
  readonly target: number;
}

export interface LogisticProblem {
  readonly rows: readonly LogisticRow[];
  readonly words: readonly string[];
  readonly classCount: number;
  /** λ: how much the weights, not the biases, are drawn to 0. */
  readonly decay: number;
}

/**
 * The loss of multinomial logistic regression and its gradient:
 * `L = mean_r −ln softmax(W x_r + b)[y_r] + ½ λ ‖W‖²`. Parameters: for each class its weights, one per word, then its bias.
 */
export function logisticLoss(
  { rows, words, classCount, decay }: LogisticProblem,
  parameters: Float64Array,
): { readonly loss: number; readonly gradient: Float64Array } {
  const width = words.length + 1;
  const places = new Map(words.map((word, i) => [word, i]));
  const gradient = new Float64Array(parameters.length);
  let loss = 0;
  for (const { vector, target } of rows) {
    const entries = [...vector].map(([word, weight]) => [places.get(word)!, weight] as const);
    const chances = softmax(scoresOf(entries, parameters, classCount, width));
    loss -= Math.log(chances[target]!) / rows.length;
    chances.forEach((chance, c) => {
      const slope = (chance - (c === target ? 1 : 0)) / rows.length;
      for (const [place, weight] of entries) gradient[c * width + place]! += slope * weight;
      gradient[(c + 1) * width - 1]! += slope;
    });
  }
  parameters.forEach((value, i) => {
    if ((i + 1) % width === 0) return;
    loss += 0.5 * decay * value * value;
    gradient[i]! += decay * value;
  });
  return { loss, gradient };
}

export interface Logistic {
  readonly loss: number;
  readonly parameters: Float64Array;
  /** Probability of each class. */
  chancesOf(vector: Sparse): number[];
}

/** Fits a logistic regression from zeros: the loss is convex, so nothing depends on chance. Throws if it does not come to rest. */
export function fitLogistic(problem: LogisticProblem, { iterations = 1000, tolerance = 1e-6 } = {}): Logistic {
  const { words, classCount } = problem;
  const width = words.length + 1;
  const places = new Map(words.map((word, i) => [word, i]));
  const slope = (at: Float64Array, into: Float64Array): number => {
    const { loss, gradient } = logisticLoss(problem, at);
    into.set(gradient);
    return loss;
  };
  const { x: parameters, converged } = lbfgs(slope, new Float64Array(classCount * width), { tolerance, iterations });
  if (!converged) throw new Error(`The logistic regression did not converge in ${iterations} iterations: allow more.`);
  return {
    loss: logisticLoss(problem, parameters).loss,
    parameters,
    chancesOf(vector) {
      const known = [...vector].flatMap(([word, weight]) => {
        const place = places.get(word);
        return place === undefined ? [] : [[place, weight] as const];
      });
      return softmax(scoresOf(known, parameters, classCount, width));
    },
  };
}

function scoresOf(
  entries: readonly (readonly [place: number, weight: number])[],
  parameters: Float64Array,
  classCount: number,
  width: number,
): number[] {
  return Array.from({ length: classCount }, (_, c) =>
    entries.reduce((sum, [place, weight]) => sum + weight * parameters[c * width + place]!, parameters[(c + 1) * width - 1]!),
  );
}

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
