// What must and must not compile. Nothing here runs: `tsc` checks it, and an expected error that does not come is one.
import {
  createStep,
  named,
  sum,
  weighted,
  type Batch,
  type Encoded,
  type GradientTransform,
  type Labeled,
  type Term,
  type Updater,
} from '../../src/core';
import type { Batches, Example } from '../../src/data';
import { crossEntropy, focal } from '../../src/losses';
import type { Head, TextModel } from '../../src/model';
import { adamW, averaged, clipped, evaluate, fit, grouped, type FitEvent, type TestResult } from '../../src/training';

interface CodeSwitched extends Batch {
  readonly codeSwitched: Encoded;
}
declare const model: TextModel;
declare const head: Head<'a' | 'b'>;
declare const labeled: Labeled;
declare const full: Labeled & CodeSwitched;
declare const consistency: Term<CodeSwitched>;
declare const penalty: Term;
declare const attack: GradientTransform;
declare const labeledData: Batches<Labeled>;
declare const fullData: Batches<Labeled & CodeSwitched>;
declare const plainData: Batches<Batch>;
declare const examples: Example[];
const optimizer = clipped(averaged(adamW({ learningRate: 1e-3 })), { norm: 1 });

// A sum needs what all of its terms need.
export const explicit: Term<Labeled & CodeSwitched> = sum(crossEntropy(), weighted(2, named('agree', consistency)), penalty);
// @ts-expect-error the sum needs labels too
export const tooLittle: Term<CodeSwitched> = sum(crossEntropy(), consistency);
// A term that needs less fits where more is there.
export const wider: Term<Labeled & CodeSwitched> = penalty;
// @ts-expect-error a term that needs labels does not fit every batch
export const narrower: Term = crossEntropy();

const step = createStep(model, { objective: explicit, transforms: [attack], optimizer });
step(full);
// @ts-expect-error the batch forgot codeSwitched
step(labeled);

export const runs = [
  fit(model, { objective: sum(crossEntropy(), consistency), data: fullData, optimizer }),
  fit(model, { objective: sum(focal(), penalty), data: labeledData, optimizer, transforms: [attack], steps: 3, accumulate: 2 }),
  fit(model, { objective: crossEntropy(), data: fullData, optimizer, count: (batch) => batch.codeSwitched.ids.size }),
  fit(model, { objective: penalty, data: plainData, optimizer }),
  // @ts-expect-error the data brings no code-switched view
  fit(model, { objective: sum(crossEntropy(), consistency), data: labeledData, optimizer }),
  // @ts-expect-error the data brings no labels
  fit(model, { objective: crossEntropy(), data: plainData, optimizer }),
  // @ts-expect-error no data
  fit(model, { objective: crossEntropy(), optimizer }),
  fit(model, {
    objective: crossEntropy(),
    data: labeledData,
    optimizer,
    // @ts-expect-error every few steps or epochs, no mode string
    evaluate: { every: 'epoch', run: () => Promise.resolve(1) },
  }),
];

// An objective is a scalar, a gradient transform works for every batch.
// @ts-expect-error a number is no tensor
export const plain: Term = () => 1;
// @ts-expect-error a transform must not need labels
export const choosy: GradientTransform = (next) => (batch: Labeled) => next(batch);

export const rates = (event: FitEvent): number | undefined => (event.type === 'step' ? event.rate : undefined);
// @ts-expect-error only a step has a gradient norm
export type Norm = FitEvent['gradientNorm'];

export const one: Promise<TestResult> = evaluate(model, examples, { head });
export const several: Promise<Record<'a' | 'b', TestResult>> = evaluate(model, { a: examples, b: examples });

// @ts-expect-error a group needs its weights
grouped([{ optimizer }]);
// @ts-expect-error no second positional argument but options
clipped(optimizer, 1);

// An updater may be synchronous or not.
export const minimal: Updater = { apply: () => {}, state: () => ({}), restore: () => {}, dispose: () => {} };
export const later: Updater = {
  apply: () => {},
  state: () => Promise.resolve({}),
  restore: () => Promise.resolve(),
  dispose: () => {},
};
// @ts-expect-error nothing to release is said too
export const partial: Updater = { apply: () => {}, state: () => ({}), restore: () => {} };
