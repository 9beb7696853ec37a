import { HoldfastError } from '../core/errors';
import type { Tensors, Weights } from '../core/types';

/** Throws before anything changes if a gradient has no weight. */
export function requireWeights(owner: string, weights: Weights, grads: Tensors): void {
  const missing = Object.keys(grads).find((name) => !weights[name]);
  if (missing === undefined) return;
  throw new HoldfastError('bad-weights', `${owner}: there is a gradient of '${missing}', but no weight of that name.`);
}
