import type { Variable } from '@tensorflow/tfjs';
import { expect } from 'vitest';

interface Engine {
  readonly state: { readonly numTensors: number; readonly registeredVariables: Record<string, Variable> };
  startScope(): void;
  endScope(): void;
}

/** The engine of this process, if a test has loaded TensorFlow.js: looking must not load it. */
const engine = (): Engine | undefined => (globalThis as { _tfengine?: Engine })._tfengine;

export const tensorCount = (): number => engine()?.state.numTensors ?? 0;

/**
 * The body of a test about numbers: all tensors and variables that it made are gone at its end, so it need not dispose any.
 * What the code under test leaks goes unseen here; `expectNoLeak` looks for that.
 */
export const scoped =
  (body: () => Promise<void> | void): (() => Promise<void>) =>
  async () => {
    const all = engine()!;
    const known = new Set(Object.keys(all.state.registeredVariables));
    all.startScope();
    try {
      await body();
    } finally {
      all.endScope();
      for (const [name, variable] of Object.entries(all.state.registeredVariables)) if (!known.has(name)) variable.dispose();
    }
  };

/** Runs `body` twice, because some things are made once and kept, and expects the second run to leave no tensor. */
export async function expectNoLeak(body: () => Promise<void> | void): Promise<void> {
  await body();
  const before = tensorCount();
  await body();
  expect(tensorCount() - before, 'tensors left by a second run').toBe(0);
}
