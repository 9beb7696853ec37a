import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import { mapTensors } from '../../src/core/tensors';
import type { Batch, Model, Tensors, Term } from '../../src/core/types';
import { valueOf, valuesOf } from './close';

export interface GradientCheck {
  /** Names of the weights to probe. Default: every trainable weight that the objective depends on. */
  readonly weights?: readonly string[];
  /** How many entries of each weight: first, last and some between. Default 4. */
  readonly entries?: number;
  readonly tolerance?: number;
  /** Distance of the two probes. Float32 wants a large one. Default 1e-2. */
  readonly step?: number;
}

/**
 * The term's gradient equals the central difference `(L(w + h) − L(w − h)) / 2h`, at the model's own weights and at others
 * (which a term that reads `model.weights` instead of `pass.weights` fails).
 */
export async function expectGradient<B extends Batch>(
  term: Term<B>,
  model: Model,
  batch: B,
  { weights: chosen, entries = 4, tolerance = 2e-3, step = 1e-2 }: GradientCheck = {},
): Promise<void> {
  const evaluate = gradientsOf(term, model);
  const engine = tf.engine();
  for (const factor of [1, 1.3]) {
    engine.startScope();
    try {
      const at: Tensors = factor === 1 ? model.weights : mapTensors(model.weights, (weight) => weight.mul(factor));
      const { grads, rows } = evaluate(batch, at);
      const dense = denseGradients(grads, rows, at);
      for (const name of chosen ?? Object.keys(dense)) {
        const analytic = await valuesOf(dense[name]!);
        const values = await valuesOf(at[name]!);
        for (const entry of spread(values.length, entries)) {
          const probe = async (by: number) => {
            const moved = values.map((value, i) => (i === entry ? value + by : value));
            return valueOf(evaluate(batch, { ...at, [name]: tf.tensor(moved, at[name]!.shape) }).loss);
          };
          const numeric = ((await probe(step)) - (await probe(-step))) / (2 * step);
          const off = Math.abs(numeric - analytic[entry]!);
          expect(off, `d loss / d ${name}[${entry}] at ${factor} · w: tape ${analytic[entry]}, numeric ${numeric}`).toBeLessThan(
            tolerance,
          );
        }
      }
    } finally {
      engine.endScope();
    }
  }
}

const spread = (length: number, count: number): number[] => [
  ...new Set(
    Array.from({ length: Math.min(count, length) }, (_, i) =>
      Math.round((i * (length - 1)) / Math.max(1, Math.min(count, length) - 1)),
    ),
  ),
];
