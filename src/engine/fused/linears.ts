import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs';
import { badArgument } from '../../core/errors';
import { linear } from './linear';

/**
 * Several `linear`s of one input, such as query, key and value: one product where the engine can.
 *
 * @param x [..., in]
 * @param weights each [outₖ, in]
 * @param biases one [outₖ] for each weight
 * @returns each [..., outₖ]
 * @throws HoldfastError `bad-argument` if there is not one bias for each weight
 */
export function linears<T extends Tensor>(x: T, weights: readonly Tensor2D[], biases: readonly Tensor1D[]): T[] {
  if (weights.length !== biases.length)
    throw badArgument('linears', `got ${weights.length} weights and ${biases.length} biases; give one bias for each weight`);
  return weights.map((weight, k) => linear(x, weight, biases[k]));
}
