import * as tf from '@tensorflow/tfjs';
import { whereFinite } from './finite';

/** AdamW's bias corrections of one step, `1 − β₁ᵗ` and `1 − β₂ᵗ`. */
export interface Corrections {
  readonly correction1: tf.Scalar;
  readonly correction2: tf.Scalar;
}

/** Weights with the same history share one clock, so that a step advances one or two of them instead of a hundred. */
interface Clock {
  /** [2], kept: both corrections after the last step that was taken, 0 before the first. */
  corrections: tf.Tensor;
}

/**
 * How many steps each weight has taken, in the form that AdamW needs. The counts live in tensors, because the host does not know
 * whether a step was skipped. `c ← c + (1 − c)(1 − β)` is `1 − βᵗ` without a power, and without its cancellation near 1.
 */
export function createClocks(beta1: number, beta2: number) {
  let clocks = new Map<string, Clock>();

  /** Clocks of exactly these weights: one that others use too is copied first. */
  function clocksOf(names: ReadonlySet<string>): Map<Clock, string[]> {
    const own = new Map<Clock | undefined, string[]>();
    for (const name of names) {
      const clock = clocks.get(name);
      const mates = own.get(clock);
      if (mates) mates.push(name);
      else own.set(clock, [name]);
    }
    const elsewhere = new Set([...clocks].filter(([name]) => !names.has(name)).map(([, clock]) => clock));
    const found = new Map<Clock, string[]>();
    for (const [clock, mates] of own) {
      if (clock && !elsewhere.has(clock)) found.set(clock, mates);
      else found.set({ corrections: tf.keep(clock ? clock.corrections.clone() : tf.zeros([2])) }, mates);
    }
    return found;
  }

  return {
    /** Counts one step of these weights and returns each one's corrections. Where `finite` is 0 the count stays. */
    advance(names: ReadonlySet<string>, finite: tf.Scalar): Map<string, Corrections> {
      const result = new Map<string, Corrections>();
      for (const [clock, mates] of clocksOf(names)) {
        const last = clock.corrections;
        const next = tf.add(last, tf.mul(tf.sub(1, last), tf.tensor1d([1 - beta1, 1 - beta2])));
        clock.corrections = tf.keep(whereFinite(finite, next, last));
        last.dispose();
        const [correction1, correction2] = tf.unstack(next) as [tf.Scalar, tf.Scalar];
        for (const name of mates) {
          clocks.set(name, clock);
          result.set(name, { correction1, correction2 });
        }
      }
      return result;
    },

    of: (name: string): tf.Tensor => clocks.get(name)!.corrections,

    /** Takes copies; weights whose corrections agree share a clock again. */
    async restore(corrections: ReadonlyMap<string, tf.Tensor>): Promise<void> {
      const values = await Promise.all(
        [...corrections].map(async ([name, tensor]) => [name, String(await tensor.data())] as const),
      );
      const byValue = new Map<string, Clock>();
      const restored = new Map<string, Clock>();
      for (const [name, value] of values) {
        if (!byValue.has(value)) byValue.set(value, { corrections: tf.keep(corrections.get(name)!.clone()) });
        restored.set(name, byValue.get(value)!);
      }
      this.dispose();
      clocks = restored;
    },

    dispose(): void {
      for (const clock of new Set(clocks.values())) clock.corrections.dispose();
      clocks = new Map();
    },
  };
}
