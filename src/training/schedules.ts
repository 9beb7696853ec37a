import { requireCount, requireNumber } from '../core/errors';

/** Learning rate of each step, counted from 0. */
export type Schedule = (step: number) => number;

export interface ConstantOptions {
  /** Learning rate after the warm-up. */
  readonly peak: number;
  /** Steps over which the rate rises from 0 to the peak. Default 0. */
  readonly warmup?: number;
}

export interface DecayOptions extends ConstantOptions {
  /** All steps, warm-up included; from there on the rate is 0. */
  readonly steps: number;
}

/**
 * A constant learning rate after a linear warm-up: `η_s = peak · min(1, s / warmup)`.
 *
 * @throws HoldfastError `bad-argument` if `peak` is negative or `warmup` is no whole number
 * @example adamW({ learningRate: constant({ peak: 3e-4, warmup: 100 }) });
 */
export function constant({ peak, warmup = 0 }: ConstantOptions): Schedule {
  requireNumber('constant', 'peak', peak);
  requireCount('constant', 'warmup', warmup, 0);
  return (step) => peak * rise(step, warmup);
}

/**
 * Linear warm-up, then linear decay to 0: `η_s = peak · (steps − s) / (steps − warmup)` after the warm-up.
 * The same numbers as transformers' `get_linear_schedule_with_warmup`.
 *
 * @throws HoldfastError `bad-argument` if an option is out of range or `warmup` exceeds `steps`
 * @example adamW({ learningRate: linear({ peak: 3e-4, warmup: 100, steps: 1000 }) });
 */
export function linear({ peak, warmup = 0, steps }: DecayOptions): Schedule {
  requireDecay('linear', peak, warmup, steps);
  return (step) => peak * (step < warmup ? rise(step, warmup) : 1 - progress(step, warmup, steps));
}

/**
 * Linear warm-up, then half a cosine to 0: `η_s = peak · ½ (1 + cos(π · (s − warmup) / (steps − warmup)))`.
 * The same numbers as transformers' `get_cosine_schedule_with_warmup`.
 *
 * @throws HoldfastError `bad-argument` if an option is out of range or `warmup` exceeds `steps`
 * @see Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, ICLR 2017, eq. 5
 * @example adamW({ learningRate: cosine({ peak: 3e-4, warmup: 100, steps: 1000 }) });
 */
export function cosine({ peak, warmup = 0, steps }: DecayOptions): Schedule {
  requireDecay('cosine', peak, warmup, steps);
  return (step) => peak * (step < warmup ? rise(step, warmup) : 0.5 * (1 + Math.cos(Math.PI * progress(step, warmup, steps))));
}

const rise = (step: number, warmup: number): number => (step < warmup ? step / warmup : 1);

/** 0 at the end of the warm-up, 1 at the last step and after it. */
const progress = (step: number, warmup: number, steps: number): number =>
  Math.min(1, (step - warmup) / Math.max(1, steps - warmup));

function requireDecay(owner: string, peak: number, warmup: number, steps: number): void {
  requireNumber(owner, 'peak', peak);
  requireCount(owner, 'steps', steps);
  requireCount(owner, 'warmup', warmup, 0);
  requireNumber(owner, 'warmup', warmup, 0, steps);
}

/** A learning rate given as a number or a schedule, as a schedule. */
export function scheduleOf(owner: string, learningRate: number | Schedule): Schedule {
  if (typeof learningRate === 'function') {
    return (step) => {
      const rate = learningRate(step);
      requireNumber(owner, `learningRate(${step})`, rate);
      return rate;
    };
  }
  requireNumber(owner, 'learningRate', learningRate);
  return () => learningRate;
}
