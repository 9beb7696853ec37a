import type { Variable } from '@tensorflow/tfjs';
import { mix } from '../core/rng';
import { toVariable } from './toVariable';
import type { PlannedWeight } from './weightPlan';

/** A weight's first values, a function of `(seed, name)`: normal(0, deviation) for matrices and tables, ones and zeros for the rest. */
export function freshWeight({ name, shape, start }: PlannedWeight, deviation: number, seed: number): Variable {
  const count = shape.reduce((size, length) => size * length, 1);
  const values =
    start === 'normal'
      ? normal(count, deviation, mix(seed, hashOf(name)))
      : new Float32Array(count).fill(start === 'ones' ? 1 : 0);
  return toVariable(values, shape);
}

/** Box-Muller on hashed counters. */
function normal(count: number, deviation: number, key: number): Float32Array {
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log((mix(key, i) + 1) / 2 ** 32));
    const angle = (2 * Math.PI * mix(key, i + 1)) / 2 ** 32;
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}

/** FNV-1a over UTF-16 units. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
