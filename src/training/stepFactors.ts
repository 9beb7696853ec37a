import * as tf from '@tensorflow/tfjs';
import type { AdamWStepOptions } from '../engine/fused';

export interface StepFactors {
  readonly rate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
}

/**
 * The factors of AdamW's update as scalars, made once for all weights of a step that agree in their own step number and decay.
 *
 * @returns a function of a weight's step t ≥ 1 and its decay λ
 */
export function factorsOf({ rate, betas: [beta1, beta2], epsilon }: StepFactors): (t: number, decay: number) => AdamWStepOptions {
  const made = new Map<string, AdamWStepOptions>();
  return (t, decay) => {
    const key = `${t}/${decay}`;
    const known = made.get(key);
    if (known) return known;
    const root = Math.sqrt((1 - beta2 ** t) / (1 - beta2));
    const options = {
      beta1,
      beta2,
      size: tf.scalar(((rate * (1 - beta1)) / (1 - beta1 ** t)) * root),
      epsilon: tf.scalar(epsilon * root),
      ...(decay !== 0 && { kept: tf.scalar(1 - rate * decay) }),
    };
    made.set(key, options);
    return options;
  };
}
