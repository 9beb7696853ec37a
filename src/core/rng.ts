import { requireCount } from './errors';
import type { Rng } from './types';

/** Mixes two 32-bit integers into one (the finaliser of MurmurHash3 after a golden-ratio step): well spread, stateless, the same everywhere. */
export function mix(a: number, b: number): number {
  let h = (a ^ Math.imul(b + 0x9e3779b9, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A counter-based stream of 32-bit seeds: draw number n is a function of `(seed, n)` alone, so an interrupted run goes on
 * with the same numbers when its counter is restored.
 *
 * @param seed whole number from 0 to 2³² − 1
 * @param counter draws already made. Default 0.
 * @throws HoldfastError `bad-argument` if `seed` is out of range
 * @example
 * const rng = createRng(1);
 * const interrupted = createRng(rng.seed, rng.counter);
 */
export function createRng(seed: number, counter = 0): Rng {
  requireCount('createRng', 'seed', seed, 0, 0xffffffff);
  const draw = (() => mix(seed, draw.counter++)) as Rng & { seed: number };
  draw.seed = seed;
  draw.counter = counter;
  return draw;
}
