/** A function of x that also writes its gradient at x. */
export type Slope = (x: Float64Array, gradient: Float64Array) => number;

export interface LbfgsOptions {
  /** Stops where no entry of the gradient is larger. */
  readonly tolerance: number;
  readonly iterations: number;
  /** Steps that the curvature is estimated from. Default 10. */
  readonly memory?: number;
}

export interface Minimum {
  readonly x: Float64Array;
  readonly iterations: number;
  /** False if the iterations ran out before the tolerance was met. */
  readonly converged: boolean;
}

/**
 * The minimum of a smooth convex function, on the host: a quasi-Newton method that keeps the last few steps only.
 *
 * The direction is `−H g`, with H made of the last `memory` steps (two-loop recursion); the step is halved until the value falls as Armijo asks.
 *
 * @param slope gets x and writes the gradient
 * @see Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical Programming 1989
 */
export function lbfgs(slope: Slope, start: Float64Array, { tolerance, iterations, memory = 10 }: LbfgsOptions): Minimum {
  let x = Float64Array.from(start);
  let gradient = new Float64Array(x.length);
  let value = slope(x, gradient);
  const steps: Step[] = [];
  for (let i = 0; i < iterations; i++) {
    if (largest(gradient) <= tolerance) return { x, iterations: i, converged: true };
    const direction = downhill(gradient, steps);
    const fall = dot(direction, gradient);
    let length = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let next = x;
    let nextGradient = gradient;
    let nextValue = Infinity;
    for (let halvings = 0; halvings < 50 && !(nextValue <= value + 1e-4 * length * fall); halvings++) {
      if (halvings > 0) length /= 2;
      next = x.map((at, d) => at + length * direction[d]!);
      nextGradient = new Float64Array(x.length);
      nextValue = slope(next, nextGradient);
    }
    // As low as the numbers' precision goes.
    if (!(nextValue < value)) return { x, iterations: i, converged: true };
    const moved = next.map((at, d) => at - x[d]!);
    const turned = nextGradient.map((at, d) => at - gradient[d]!);
    const along = dot(moved, turned);
    if (along > 1e-14 * dot(turned, turned)) steps.push({ moved, turned, along });
    if (steps.length > memory) steps.shift();
    [x, gradient, value] = [next, nextGradient, nextValue];
  }
  return { x, iterations, converged: largest(gradient) <= tolerance };
}

interface Step {
  readonly moved: Float64Array;
  /** How the gradient changed with it. */
  readonly turned: Float64Array;
  readonly along: number;
}

/** `−H g`. */
function downhill(gradient: Float64Array, steps: readonly Step[]): Float64Array {
  const direction = gradient.map((at) => -at);
  const shares = new Float64Array(steps.length);
  for (let s = steps.length - 1; s >= 0; s--) {
    const { moved, turned, along } = steps[s]!;
    shares[s] = dot(moved, direction) / along;
    addScaled(direction, turned, -shares[s]!);
  }
  const last = steps.at(-1);
  if (last) scale(direction, last.along / dot(last.turned, last.turned));
  steps.forEach(({ moved, turned, along }, s) => addScaled(direction, moved, shares[s]! - dot(turned, direction) / along));
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}

function addScaled(to: Float64Array, what: Float64Array, factor: number): void {
  for (let d = 0; d < to.length; d++) to[d]! += factor * what[d]!;
}

function scale(values: Float64Array, factor: number): void {
  for (let d = 0; d < values.length; d++) values[d]! *= factor;
}

const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
