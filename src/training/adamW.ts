import * as tf from '@tensorflow/tfjs';
import { cut } from '../engine/cut';
import { badArgument, requireNumber, requirePositive } from '../core/errors';
import type { Updater } from '../core/types';
import { adamWStep, type AdamWStepOptions, replaceRows } from '../engine/fused';
import { momentsOf, momentTensors, requireMatch } from './adamWState';
import { decays as decaysByName } from './decays';
import { type Moments, stepRows, wholeMoments } from './rowMoments';
import { type Schedule, scheduleOf } from './schedules';
import { factorsOf } from './stepFactors';

export interface AdamWOptions {
  /** A number, or a schedule of steps counted from 0. */
  readonly learningRate: number | Schedule;
  /** How slowly both moments forget, each from 0 to below 1. Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  readonly epsilon?: number;
  /** Share of a weight, times the learning rate, that each step takes away. Default 0.01. */
  readonly weightDecay?: number;
  /** Which weights decay, by name. Default `decays`: all but biases and LayerNorm. */
  readonly decays?: (name: string) => boolean;
}

/**
 * AdamW: each weight moves by its gradient's running mean over the root of its running square, and shrinks a little besides.
 *
 * `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`, `w ← w − η λ w − η (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)`
 *
 * Each weight counts its own steps t, so a head that is added later starts at 1; a weight without gradient stays as it is.
 * Gradients by rows (`Rows`) give the dense result bit for bit. `fit` never hands it a gradient that is not finite; who calls `apply`
 * looks first.
 *
 * **Cost** two tensors per weight; of an embedding table only for the rows that ever had a gradient. On the `onnxruntime` engine such
 * a table is updated in place where nobody else holds its memory (a clone, an anchor), else copied.
 * **Limits** β₁ = β₂ = 0 and λ = 0 is a step of η in the direction of the gradient's sign.
 * **Differs** from `torch.optim.AdamW` only in leaving biases and LayerNorm undecayed by default.
 * **See also** `clipped`, `grouped` (another rate for the heads), `averaged`.
 *
 * @throws HoldfastError `bad-argument` if an option is out of range; when applied, `bad-weights` if a gradient has no weight or the
 *   moments are another model's
 * @see Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019, arXiv:1711.05101, algorithm 2
 * @example
 * await fit(model, { objective: crossEntropy(), data, optimizer: clipped(adamW({ learningRate: 3e-4 }), { norm: 1 }) });
 */
export function adamW({
  learningRate,
  betas: [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-8,
  weightDecay = 0.01,
  decays = decaysByName,
}: AdamWOptions): Updater {
  const schedule = scheduleOf('adamW', learningRate);
  requireBeta('betas[0]', beta1);
  requireBeta('betas[1]', beta2);
  requirePositive('adamW', 'epsilon', epsilon);
  requireNumber('adamW', 'weightDecay', weightDecay);
  let moments = new Map<string, Moments>();
  let steps = 0;
  let rate: number | undefined;
  /** Made by the last `state()`, beside the moments themselves. */
  let exported: tf.Tensor[] = [];

  return {
    apply(weights, grads, rows = {}) {
      requireMatch(weights, grads, moments);
      const eta = schedule(steps);
      tf.tidy(() => {
        const factors = factorsOf({ rate: eta, betas: [beta1, beta2], epsilon });
        const tables: (() => void)[] = [];
        for (const [name, grad] of Object.entries(grads)) {
          const [weight, batchRows, old] = [weights[name]!, rows[name], moments.get(name)];
          const t = (old?.steps ?? 0) + 1;
          const options = factors(t, decays(name) ? weightDecay : 0);
          let next: Omit<Moments, 'steps'>;
          if (batchRows && (!old || old.rows)) {
            const { numbers, moved, ...rowMoments } = stepRows(weight, grad, batchRows, old, options);
            tables.push(() => weight.assign(replaceRows(weight as tf.Tensor, numbers, moved, options.kept)));
            next = rowMoments;
          } else {
            const [moved, m, v] = stepWhole(weight, grad, batchRows, old, options);
            weight.assign(moved);
            next = { m, v };
          }
          moments.set(name, { ...next, m: tf.keep(next.m), v: tf.keep(next.v), steps: t });
          if (old) tf.dispose([old.m, old.v]);
        }
        // Written in place, a table cannot be restored: whatever may fail has run before, in a segment of its own.
        cut();
        for (const replace of tables) replace();
        cut();
      });
      rate = eta;
      steps++;
    },
    rate: () => rate,
    state() {
      tf.dispose(exported);
      const own = tf.tidy(() => {
        const state = momentTensors(moments);
        return { ...state, '/steps': tf.scalar(steps, 'int32') };
      });
      exported = Object.entries(own).flatMap(([key, tensor]) =>
        key.endsWith('/steps') || key.endsWith('/rows') ? [tf.keep(tensor)] : [],
      );
      return own;
    },
    async restore(state) {
      const restored = await momentsOf(state);
      disposeMoments(moments);
      ({ moments, steps } = restored);
    },
    dispose() {
      disposeMoments(moments);
      tf.dispose(exported);
      moments = new Map();
      exported = [];
    },
  };
}

/** The update of all rows, for gradients of the whole weight and for rows that come after one. */
function stepWhole(
  weight: tf.Tensor,
  grad: tf.Tensor,
  rows: Int32Array | undefined,
  old: Moments | undefined,
  options: AdamWStepOptions,
): [weight: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  const dense = rows ? tf.unsortedSegmentSum(grad, tf.tensor1d(rows, 'int32'), weight.shape[0]) : grad;
  const { m, v } = old ? wholeMoments(old, weight.shape[0]) : { m: tf.zerosLike(weight), v: tf.zerosLike(weight) };
  return adamWStep(weight, dense, m, v, options);
}

function disposeMoments(moments: ReadonlyMap<string, Moments>): void {
  for (const { m, v } of moments.values()) tf.dispose([m, v]);
}

function requireBeta(name: string, beta: number): void {
  requireNumber('adamW', name, beta, 0, 1);
  if (beta === 1) throw badArgument('adamW', `${name} must be below 1, got 1: the moment would never start`);
}
