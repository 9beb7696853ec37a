import { HoldfastError, requireCount } from '../core/errors';
import type { WeightInfo } from './weightPlan';

/** Which weights training may change: their names, or a choice by name, part and layer. */
export type Trainable = readonly string[] | ((weight: WeightInfo) => boolean);

/**
 * The heads, the pooler and the last `count` layers; the rest of the encoder stays as it is.
 *
 * @throws HoldfastError `bad-argument` if `count` is no whole number ≥ 0
 * @example
 * model.setTrainable(lastLayers(2));
 */
export function lastLayers(count: number): Trainable {
  requireCount('lastLayers', 'count', count, 0);
  return ({ part, fromTop }) => (part === 'layer' ? fromTop! < count : part !== 'embeddings');
}

/**
 * The classification heads alone.
 *
 * @example
 * model.setTrainable(headsOnly);
 */
export const headsOnly: Trainable = ({ part }) => part === 'head';

/**
 * The chosen names, in the order of the weights.
 *
 * @throws HoldfastError `bad-argument` naming every weight that the model does not have
 */
export function chosen(weights: readonly WeightInfo[], trainable: Trainable): string[] {
  if (typeof trainable === 'function') return weights.filter((weight) => trainable(weight)).map(({ name }) => name);
  const known = new Set(weights.map(({ name }) => name));
  const unknown = trainable.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    const issues = unknown.map((name) => ({ message: `the model has no weight '${name}'` }));
    throw new HoldfastError(
      'bad-argument',
      `setTrainable: ${issues.map(({ message }) => message).join('; ')}; see Object.keys(model.weights).`,
      { issues },
    );
  }
  const wanted = new Set(trainable);
  return weights.filter(({ name }) => wanted.has(name)).map(({ name }) => name);
}
