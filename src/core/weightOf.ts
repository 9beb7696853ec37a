import type { Tensor } from '@tensorflow/tfjs';
import { HoldfastError } from './errors';
import type { Tensors } from './types';

/** A weight at the point in weight space that a caller gave. @throws HoldfastError `bad-argument` if it is not there */
export function weightOf(weights: Tensors, name: string): Tensor {
  const weight = weights[name];
  if (weight) return weight;
  throw new HoldfastError('bad-argument', `The weights given lack '${name}': start from model.weights and replace what differs.`);
}
