import { expect } from 'vitest';
import { denseGradients } from '../../src/core/rows';
import type { Evaluation, Labeled, Model } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import type { Example, Rehearsal } from '../../src/data/types';
import { replay, type Replay } from '../../src/ewc/replay';
import type { Head, TextModel } from '../../src/model/types';
import { expectClose, expectSameBits, valuesOf } from './close';
import { firstOf } from './firstOf';
import { fixture as numbersOf } from './fixture';

interface Projected {
  readonly gradient: Record<string, number[]>;
}

/** What test/fixtures/projections.py says. */
export const projections = numbersOf<{
  readonly agem: { readonly loss: number } & Readonly<Record<'against' | 'agreeing', Projected & { readonly taken: number }>>;
  readonly gem: readonly (Projected & { readonly gamma: number; readonly factors: readonly number[] })[];
  readonly programs: readonly {
    readonly kind: string;
    readonly gamma: number;
    readonly old: readonly (readonly number[])[];
    readonly new: readonly number[];
    readonly result: readonly number[];
  }[];
  readonly rwalk: Readonly<Record<'lambda' | 'alpha' | 'epsilon' | 'deltaT' | 'rate' | 'steps', number>> &
    Readonly<Record<'fisher' | 'score' | 'importance' | 'weights', Record<string, number[]>>>;
}>('projections.json');

const rowsOf = (...rows: readonly (readonly [text: string, label: string])[]): Example[] =>
  rows.map(([text, label]) => ({ text, label }));

/** The new rows of the fixtures, and three memories of them. */
export const newRows = rowsOf(['6 7 1', 'y'], ['8', 'z'], ['9 10 9 10', 'x']);
export const against = rowsOf(['6 7 1', 'z'], ['2 2 2', 'z']);
export const agreeing = rowsOf(['9 10 9 10', 'x'], ['8', 'z']);
export const twoTasks = [...rowsOf(['9 10', 'y'], ['8', 'y']), ...against];

const headOf = (model: TextModel, { label }: Example): Head => model.heads.find(({ labels }) => labels.includes(label!))!;

export function memoryOf(model: TextModel, rows: readonly Example[]): Replay {
  const memory = replay({ perLabel: 9 });
  for (const row of rows) memory.remember([row], { head: headOf(model, row) });
  return memory;
}

/** One batch of all rows, in their order, the classes of all heads open. */
export function oneBatch(model: TextModel, rows: readonly Example[], rehearse?: Rehearsal): Promise<Labeled> {
  const recipe = batches(rows, {
    head: (row) => headOf(model, row),
    classes: model.heads,
    shuffle: false,
    ...(rehearse && { rehearse }),
  });
  return firstOf(recipe, model);
}

/** Every weight's gradient in full, one after the other. */
export async function flat({ grads, rows }: Evaluation, model: Model): Promise<number[]> {
  const dense = denseGradients(grads, rows, model.weights);
  return (await Promise.all(model.trainable.map((name) => valuesOf(dense[name]!)))).flat();
}

export const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

export async function expectGradients(got: Evaluation, want: Record<string, number[]>, model: Model): Promise<void> {
  const dense = denseGradients(got.grads, got.rows, model.weights);
  for (const name in want) await expectClose(dense[name]!, want[name]!, { absolute: 1e-5 });
}

/** The same bits, but for the sign of a 0, which adding 0 takes away. */
export async function expectSameGradients(got: Evaluation, want: Evaluation): Promise<void> {
  expect(got.rows).toEqual(want.rows);
  expect(Object.keys(got.grads)).toEqual(Object.keys(want.grads));
  for (const name in want.grads) await expectSameBits(got.grads[name]!.add(0), want.grads[name]!.add(0));
}
