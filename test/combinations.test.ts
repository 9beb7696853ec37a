import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  denseGradients,
  evaluationOf,
  mapTensors,
  meanGradients,
  shifted,
  stopGradient,
  sum,
  type Encoded,
  type GradientTransform,
  type Labeled,
  type Pass,
  type Term,
} from '../src/core';
import { awp, fgm, freelb, pgd, smart, vat } from '../src/adversarial';
import {
  classMean,
  consistency,
  cosineDistance,
  infoNce,
  pooledConsistency,
  teacherConsistency,
  wholeKl,
  wordAlignment,
  type CodeSwitched,
  type WordAligned,
} from '../src/crosslingual';
import type { Batches } from '../src/data';
import { derpp, ewc, l2sp, lwf, mas, onlineEwc, rwalk, si } from '../src/ewc';
import { crossEntropy, focal, klDivergence, meanOf, rDrop, symmetricKl } from '../src/losses';
import { adamW, clipped, fit } from '../src/training';
import { valueOf, valuesOf } from './support/close';
import { expectNoLeak, scoped } from './support/leaks';
import { toy, toyBatch } from './support/toy';
import { toyBatches, toyRows } from './support/toyData';

// Every term with every transform: what must hold whatever is put together. A new term or transform adds its line here.
beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Dropout decides between two passes, so agreement has something to say. */
const agreement: Term<Labeled> = ({ batch, output, forward }) =>
  meanOf(symmetricKl(output.logits, forward(batch.inputs).logits), batch);
const teacher: Term<Labeled> = ({ batch, output, model }) => {
  const { logits } = output;
  return meanOf(
    klDivergence(
      stopGradient(() => model.forward(batch.inputs).logits),
      logits,
    ),
    batch,
  );
};
const decay: Term = ({ weights }) =>
  tf.addN(Object.values(weights).map((weight) => tf.sum<tf.Scalar>(tf.square(weight)))).mul(1e-3);

/** A batch that has every view. */
type Viewed = Labeled & CodeSwitched & WordAligned;

const terms: Record<string, () => Term<Viewed>> = {
  'cross entropy': () => crossEntropy(),
  'smoothed cross entropy': () => crossEntropy({ smoothing: 0.1 }),
  'focal loss': () => focal(),
  'agreement of two masks': () => agreement,
  'a teacher': () => teacher,
  'a penalty': () => decay,
  'ewc before any task': () => ewc({ lambda: 1 }),
  'other penalties before any task': () =>
    sum(onlineEwc({ lambda: 1, gamma: 1 }), l2sp({ lambda: 1 }), mas({ lambda: 1 }), si({ lambda: 1 }), rwalk({ lambda: 1 })),
  'lwf before any task': () => lwf(),
  'derpp without memory': () => derpp({ perLabel: 1 }).objective,
  rDrop: () => rDrop(),
  vat: () => sum(crossEntropy(), vat()),
  smart: () => sum(crossEntropy(), smart()),
  consistency: () => sum(consistency({ reduction: classMean }), consistency({ divergence: wholeKl })),
  // It reads the view alone, and an attack wants a term that reads the inputs.
  teacherConsistency: () => sum(crossEntropy(), (pass: Pass<Viewed>) => teacherConsistency({ teacher: pass.model })(pass)),
  'vectors of two languages': () => sum(pooledConsistency(), infoNce()),
  'words of two languages': () => sum(wordAlignment(), wordAlignment({ distance: cosineDistance })),
};

const attack: GradientTransform = (next, model) => (batch, weights) => {
  const clean = next(shifted(batch, model), weights);
  const norm = tf.add(tf.norm(clean.offset!), 1e-12);
  return meanGradients(clean, next(shifted(batch, model, tf.div(clean.offset!, norm)), weights));
};
const nearby: GradientTransform =
  (next, model) =>
  (batch, weights = model.weights) => {
    const clean = next(batch, weights);
    const dense = denseGradients(clean.grads, clean.rows, weights);
    return {
      ...next(batch, { ...weights, ...mapTensors(dense, (grad, name) => tf.add(weights[name]!, tf.mul(grad, 0.01))) }),
      loss: clean.loss,
    };
  };
const transforms: Record<string, GradientTransform[]> = {
  'no transform': [],
  'an attack on the inputs': [attack],
  'other weights': [nearby],
  fgm: [fgm()],
  pgd: [pgd({ steps: 2 })],
  freelb: [freelb({ steps: 2 })],
  awp: [awp()],
  'an attack on an attack': [fgm(), pgd({ steps: 1 })],
  'both, one way': [attack, nearby],
  'both, the other way': [nearby, attack],
};

/** Each text has another one of its batch for its code-switched form and its translation. */
function viewed(given: Labeled): Viewed {
  const other = (): Encoded => {
    const { ids, mask, places } = given.inputs;
    return { ids: tf.reverse(ids, 0), mask: tf.reverse(mask, 0), ...(places && { places: tf.reverse(places, 0) }) };
  };
  const wordPairs = { sources: tf.tensor1d([0, 1], 'int32'), targets: tf.tensor1d([1, 0], 'int32'), weights: tf.fill<tf.Rank.R1>([2], 0.5) }; // prettier-ignore
  return { ...given, codeSwitched: other(), translation: other(), wordPairs };
}

const batch = () => viewed(toyBatch([[1, 2, 3], [4, 5]], [0, 2], { byRows: true })); // prettier-ignore
const plain = toyBatches(toyRows(8));
const data: Batches<Viewed> = {
  async *open(opening) {
    for await (const given of plain.open(opening)) yield viewed(given);
  },
};

describe.each(Object.entries(terms))('%s', (name, make) => {
  // A penalty alone does not read the inputs, and an attack on them says so: it is joined by a term that does.
  const alone = /penalt|before any task/.test(name);
  const objective = () => (alone ? sum(crossEntropy(), make()) : make());

  test.each(Object.entries(transforms))('%s: the clean loss, finite gradients of every weight', (_, around) =>
    scoped(async () => {
      const model = toy();
      const given = batch();
      const clean = evaluationOf(model, { objective: objective() })(given);
      const { loss, grads, rows } = evaluationOf(model, { objective: objective(), transforms: around })(given);
      expect(await valueOf(loss)).toBe(await valueOf(clean.loss));
      expect(Object.keys(grads).sort()).toEqual(Object.keys(clean.grads).sort());
      for (const grad of Object.values(denseGradients(grads, rows, model.weights))) {
        expect((await valuesOf(grad)).every(Number.isFinite)).toBe(true);
      }
    })(),
  );

  test.each(Object.entries(transforms))('%s: trains, with accumulation and dropout, and leaves nothing behind', (_, around) =>
    expectNoLeak(async () => {
      const model = toy({ dropout: 0.2 });
      const optimizer = clipped(adamW({ learningRate: 0.01 }), { norm: 1 });
      const { steps, loss } = await fit(model, {
        objective: sum(crossEntropy(), objective()),
        data,
        transforms: around,
        optimizer,
        accumulate: 2,
        epochs: 2,
        seed: 1,
      });
      expect(steps).toBe(2);
      expect(Number.isFinite(loss)).toBe(true);
      optimizer.dispose();
      model.dispose();
    }),
  );
});
