import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import type { Tensors, Weights } from '../core/types';
import { requireWeights } from './requireWeights';
import { type Moments, rowNumbers } from './rowMoments';

/** AdamW's moments by weight name as tensors by name: `<weight>/m`, `/v`, `/steps`, and `/rows` where only some rows are held. */
export function momentTensors(moments: ReadonlyMap<string, Moments>): Record<string, tf.Tensor> {
  const state: Record<string, tf.Tensor> = {};
  for (const [name, { m, v, rows, steps }] of moments) {
    Object.assign(state, { [`${name}/m`]: m, [`${name}/v`]: v, [`${name}/steps`]: tf.scalar(steps, 'int32') });
    if (rows) state[`${name}/rows`] = rowNumbers(rows);
  }
  return state;
}

/** Reads what `momentTensors` wrote; the moments are copies and kept. */
export async function momentsOf(state: Tensors): Promise<{ steps: number; moments: Map<string, Moments> }> {
  const names = Object.keys(state).flatMap((key) => (key.endsWith('/m') ? [key.slice(0, -2)] : []));
  const take = (key: string): tf.Tensor => {
    const tensor = state[key];
    if (!tensor)
      throw new HoldfastError('bad-weights', `adamW.restore: the state lacks '${key}'. Give it what adamW's state() returned.`);
    return tensor;
  };
  const [steps = 0] = await take('/steps').data();
  const read = await Promise.all(
    names.map(async (name) => {
      const numbers = state[`${name}/rows`];
      const [own = 0] = await take(`${name}/steps`).data();
      const parts = { m: take(`${name}/m`), v: take(`${name}/v`), steps: own };
      return { name, ...parts, rows: numbers && new Map(Array.from(await numbers.data(), (row, slot) => [row, slot])) };
    }),
  );
  return {
    steps,
    moments: new Map(
      read.map(({ name, m, v, steps, rows }) => [
        name,
        { m: tf.keep(m.clone()), v: tf.keep(v.clone()), steps, ...(rows && { rows }) },
      ]),
    ),
  };
}

/** Throws before anything changes if a gradient has no weight, or a weight's moments are another model's. */
export function requireMatch(weights: Weights, grads: Tensors, moments: ReadonlyMap<string, Moments>): void {
  requireWeights('adamW', weights, grads);
  for (const name of Object.keys(grads)) {
    const weight = weights[name]!;
    const held = moments.get(name);
    if (!held) continue;
    const from = held.rows ? 1 : 0;
    if (String(held.m.shape.slice(from)) !== String(weight.shape.slice(from))) {
      const [got, want] = [held.m.shape, weight.shape].map((shape) => `[${shape.slice(from).join(', ')}]`);
      throw new HoldfastError(
        'bad-weights',
        `adamW: the moments of '${name}' have shape ${got}, the weight ${want}. Was the state saved with another model?`,
      );
    }
  }
}
