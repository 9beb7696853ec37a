import * as tf from '@tensorflow/tfjs';
import { addTensors, mapTensors } from '../core/tensors';
import type { Tensors } from '../core/types';
import { weightOf } from '../core/weightOf';
import { blended } from './springs';

/** What is gathered between two scores: the running Fisher, the weights at the start, ΔL since then, and the scores so far. */
export type Interval = Readonly<Record<'fisher' | 'from' | 'path' | 'gain', Tensors>>;

/** The interval's scores added to the task's, and the next interval begun. */
export function scored({ fisher, from, path, gain }: Interval, weights: Tensors, epsilon: number): Interval {
  const earned = mapTensors(path, (lowered, name) =>
    scoreOf(lowered, fisher[name]!, weightOf(weights, name).sub(from[name]!), epsilon),
  );
  const here = mapTensors(path, (_, name) => tf.clone(weightOf(weights, name)));
  return { fisher, from: { ...from, ...here }, path: {}, gain: addTensors(earned, gain) };
}

/** What one interval is worth, entry by entry: `max(0, lowered / (½ F moved² + ε))`. */
export const scoreOf = (lowered: tf.Tensor, fisher: tf.Tensor, moved: tf.Tensor, epsilon: number): tf.Tensor =>
  tf.relu(lowered.div(tf.square(moved).mul(fisher).mul(0.5).add(epsilon)));

/** `F / max F + s / max s`, each maximum over all weights; a part that is 0 everywhere stays 0. */
export function importanceOf(fisher: Tensors, score: Tensors): Tensors {
  const shareOf = (tensors: Tensors): Tensors => {
    const maxima = Object.values(tensors).map((tensor) => tensor.max());
    if (maxima.length === 0) return {};
    const most = tf.stack(maxima).max();
    return mapTensors(tensors, (tensor) => tf.divNoNan(tensor, most));
  };
  return blended(shareOf(fisher), 1, shareOf(score), 1);
}
