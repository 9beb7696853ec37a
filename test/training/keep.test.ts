import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sum } from '../../src/core/objective';
import type { Labeled, Term } from '../../src/core/types';
import { si } from '../../src/ewc/si';
import { crossEntropy } from '../../src/losses/crossEntropy';
import type { Keep } from '../../src/model/capture';
import { adamW } from '../../src/training/adamW';
import { fit } from '../../src/training/fit';
import type { FitOptions } from '../../src/training/fitOptions';
import { valuesOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toy } from '../support/toy';
import { toyBatches, toyRows } from '../support/toyData';

let root = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(path.join(tmpdir(), 'holdfast-keep-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A term that changes at every step: the cross entropy, less and less of it. */
function fading() {
  let step = 0;
  const term: Term<Labeled> = (pass) => crossEntropy()(pass).mul(1 / ++step);
  return { term, state: () => ({ step }), restore: (state: { step: number }) => void ({ step } = state) };
}

/** Everything of one run: made anew each time, as another process would. */
function parts() {
  const [faded, guard] = [fading(), si({ lambda: 0.1 })];
  const optimizer = guard.tracked(adamW({ learningRate: 0.05 }));
  const options = { objective: sum(faded.term, guard), data: toyBatches(toyRows(22)), optimizer, epochs: 2, seed: 1 };
  owned.push(guard, optimizer);
  return { faded, guard, optimizer, options, model: toy({ dropout: 0.2 }) };
}
const owned: { dispose(): void }[] = [];
afterEach(() => owned.splice(0).forEach((one) => one.dispose()));
const stateOf = async (tensors: Readonly<Record<string, tf.Tensor>>) =>
  Object.fromEntries(
    await Promise.all(Object.entries(tensors).map(async ([name, tensor]) => [name, await valuesOf(tensor)] as const)),
  );

/** Stops the run after five steps, with a checkpoint of the third. */
async function interrupted(folder: string, keepOf: (made: ReturnType<typeof parts>) => Keep | undefined): Promise<void> {
  const [made, stop] = [parts(), new AbortController()];
  const keep = keepOf(made);
  const onEvent: FitOptions<Labeled>['onEvent'] = ({ type, step }) => {
    if (type === 'step' && step === 5) stop.abort();
  };
  const checkpoint = { folder, everySteps: 3 };
  await expect(
    fit(made.model, { ...made.options, ...(keep && { keep }), checkpoint, signal: stop.signal, onEvent }),
  ).rejects.toMatchObject({ code: 'aborted' });
}

describe('what fit keeps', () => {
  const keeps: [string, (made: ReturnType<typeof parts>) => Keep][] = [
    ['a term with a state', ({ faded }) => ({ faded })],
    ['also a penalty that the optimizer carries as well, and the optimizer itself', ({ faded, guard, optimizer }) => ({ optimizer, guard, faded })],
  ]; // prettier-ignore
  for (const [what, keepOf] of keeps) {
    test(
      `${what}: resumed to the same bits`,
      scoped(async () => {
        const folder = path.join(root, what.slice(0, 6));
        const whole = parts();
        await fit(whole.model, whole.options);
        await interrupted(folder, keepOf);
        const second = parts();
        await fit(second.model, { ...second.options, keep: keepOf(second), resume: folder });
        expect(await stateOf(second.model.weights)).toEqual(await stateOf(whole.model.weights));
        expect(await stateOf(second.guard.state())).toEqual(await stateOf(whole.guard.state()));
        expect(second.faded.state()).toEqual(whole.faded.state());
      }),
    );
  }

  test(
    'a checkpoint with other parts, or of another model, is refused and nothing is restored',
    scoped(async () => {
      const folder = path.join(root, 'refused');
      await interrupted(folder, ({ faded }) => ({ faded }));
      const resumed = async (keep: Keep | undefined, { model = toy(), source = folder } = {}) => {
        const { options, faded, optimizer } = parts();
        const before = await stateOf(await optimizer.state());
        const error: unknown = await fit(model, { ...options, keep: keep ?? { faded }, resume: source }).catch(
          (cause: unknown) => cause,
        );
        expect(await stateOf(await optimizer.state())).toEqual(before);
        expect(faded.state()).toEqual({ step: 0 });
        return (error as Error).message;
      };
      expect(await resumed({})).toContain("also holds the state of 'faded'");
      expect(await resumed({ other: fading() })).toContain("holds no state of 'other': it was saved with 'faded'");
      expect(await resumed(undefined, { model: toy({ hidden: 5 }) })).toContain('the checkpoint is of another model');
      const full = { ...fading(), restore: () => { throw new Error('full'); } }; // prettier-ignore
      expect(await resumed({ faded: full })).toContain('full');
      const without = path.join(root, 'without');
      await interrupted(without, () => undefined);
      expect(await resumed(undefined, { source: without })).toContain('it was saved without keep');
      expect(await resumed({ faded: {} as ReturnType<typeof fading> })).toContain("fit: 'faded' in keep must have state()");
    }),
  );
});
