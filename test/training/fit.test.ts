import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { named } from '../../src/core/objective';
import type { Labeled, Term } from '../../src/core/types';
import { crossEntropy } from '../../src/losses';
import { adamW, averaged, clipped, fit, linear, sgd, type FitEvent, type FitOptions } from '../../src/training';
import { expectClose, valuesOf } from '../support/close';
import { expectNoLeak } from '../support/leaks';
import { toy, type Toy } from '../support/toy';
import { toyBatches, toyRows } from '../support/toyData';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const rows = toyRows(22);
const weightsOf = async (model: Toy) =>
  Object.fromEntries(
    await Promise.all(Object.entries(model.weights).map(async ([name, w]) => [name, await valuesOf(w)] as const)),
  );

/** Fits a fresh toy and gives back its weights and the result, or the error; everything is disposed. */
async function run(options: Partial<FitOptions<Labeled>> = {}, { dropout = 0.2 } = {}) {
  const model = toy({ dropout });
  const optimizer = options.optimizer ?? clipped(averaged(adamW({ learningRate: 0.05 })), { norm: 1 });
  const events: FitEvent[] = [];
  try {
    const result = await fit(model, {
      objective: crossEntropy(),
      data: toyBatches(rows),
      epochs: 2,
      seed: 1,
      ...options,
      optimizer,
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    }).catch((error: unknown) => error);
    return {
      result: result as Awaited<ReturnType<typeof fit>>,
      error: isHoldfastError(result) ? result : undefined,
      weights: await weightsOf(model),
      events,
    };
  } finally {
    optimizer.dispose();
    model.dispose();
  }
}
const steps = (events: readonly FitEvent[]) => events.filter((event) => event.type === 'step');

describe('training', () => {
  test('the loss falls, and the events tell how', async () => {
    const { result, events } = await run(
      {
        epochs: 30,
        data: toyBatches(rows, { batchSize: 11 }),
        optimizer: adamW({ learningRate: linear({ peak: 0.05, warmup: 5, steps: 60 }) }),
      },
      { dropout: 0 },
    );
    expect(result).toMatchObject({ seed: 1, steps: 60, epochs: 30 });
    expect(result.loss).toBeLessThan(0.5);
    expect(result.history.epochs.length).toBe(30);
    expect(result.history.epochs[0]!.loss).toBeGreaterThan(0.8);
    const [first, second] = steps(events);
    expect(first).toMatchObject({ step: 1, epoch: 0, rate: 0, examples: 11 });
    expect(second).toMatchObject({ step: 2, rate: expect.closeTo(0.01, 12) as number });
    expect(first!.gradientNorm).toBeGreaterThan(0);
    expect(events.filter(({ type }) => type === 'epoch').length).toBe(30);
  });

  test('steps stop it within an epoch, and without epochs it goes on as long as it takes', async () => {
    expect((await run({ steps: 4, epochs: 9 })).result).toMatchObject({ steps: 4, epochs: 0 });
    const model = toy();
    const optimizer = sgd({ learningRate: 0.1 });
    expect(await fit(model, { objective: crossEntropy(), data: toyBatches(rows), optimizer, steps: 13, seed: 1 })).toMatchObject({
      steps: 13,
      epochs: 2,
    });
    optimizer.dispose();
    model.dispose();
  });

  test('a seed that is left out is drawn and recorded, and gives the same run again', async () => {
    const model = toy({ dropout: 0.2 });
    const optimizer = adamW({ learningRate: 0.05 });
    const { seed } = await fit(model, { objective: crossEntropy(), data: toyBatches(rows), optimizer, epochs: 2 });
    const weights = await weightsOf(model);
    optimizer.dispose();
    model.dispose();
    expect((await run({ seed, optimizer: adamW({ learningRate: 0.05 }) })).weights).toEqual(weights);
  });

  test('what terms report is read with the loss', async () => {
    const term: Term<Labeled> = (pass) => {
      pass.report('logits', pass.output.logits);
      return named('ce', crossEntropy())(pass);
    };
    const { events } = await run({ objective: term, steps: 1 });
    const [{ loss, reports }] = steps(events) as [Extract<FitEvent, { type: 'step' }>];
    expect(reports['ce']).toBe(loss);
    expect(reports['logits']).toHaveLength(4 * 3);
  });

  test('nothing leaks', () =>
    expectNoLeak(async () => {
      await run({ accumulate: 2, evaluate: { run: () => Promise.resolve(1) } });
    }));
});

describe('the same bits', () => {
  test('from two runs with one seed; others from another seed', async () => {
    const [a, b, c] = [await run(), await run(), await run({ seed: 2 })];
    expect(a.weights).toEqual(b.weights);
    expect(a.result.loss).toBe(b.result.loss);
    expect(a.weights).not.toEqual(c.weights);
  });

  // Six batches per epoch: within an epoch, at its end, after an accumulated step, and with a best so far.
  const interruptions: [string, number, Partial<FitOptions<Labeled>>][] = [
    ['within an epoch', 4, {}],
    ['at the end of an epoch', 6, {}],
    ['in the second epoch, two batches per step', 5, { accumulate: 2, epochs: 3 }],
    ['with evaluations', 5, { epochs: 3 }],
  ];
  for (const [when, at, options] of interruptions) {
    test(`after an interruption ${when}`, async () => {
      const folder = path.join(await mkdtemp(path.join(tmpdir(), 'holdfast-')), 'run');
      const evaluated = when === 'with evaluations' ? () => ({ evaluate: { every: { steps: 2 }, run: wobbling() } }) : () => ({});
      const whole = await run({ ...options, ...evaluated() });
      const stop = new AbortController();
      const first = await run({
        ...options,
        ...evaluated(),
        checkpoint: { folder, everySteps: at },
        signal: stop.signal,
        onEvent: ({ type, step }) => {
          if (type === 'step' && step === at + 1) stop.abort();
        },
      });
      expect(first.error?.code).toBe('aborted');
      const { seed: _drawn, ...rest } = { seed: 1, ...options, ...evaluated() };
      const second = await run({ ...rest, resume: folder, seed: 1 });
      expect(second.weights).toEqual(whole.weights);
      expect(second.result).toEqual(whole.result);
      // The stop itself was written too.
      expect(steps(second.events)[0]).toMatchObject({ step: at + 2 });
      await rm(path.dirname(folder), { recursive: true });
    });
  }
});

/** Evaluates to a number that depends on the weights alone. */
const wobbling = () => async (model: { weights: Readonly<Record<string, tf.Tensor>> }) =>
  Math.sin(1e3 * (await valuesOf(model.weights['dense.bias']!))[0]!);

describe('stopping', () => {
  test('a loss that is not finite: the error names the step, the weights are those of the last good one', async () => {
    const at3 = (): Term<Labeled> => {
      let calls = 0;
      return (pass) => (++calls === 4 ? crossEntropy()(pass).mul(NaN) : crossEntropy()(pass));
    };
    const good = await run({ steps: 3 });
    const { error, weights } = await run({ objective: at3() });
    expect(error?.code).toBe('not-finite');
    expect(error?.message).toContain(
      `loss is NaN at step 4, epoch 0. The last good loss was ${steps(good.events)[2]!.loss} (step 3)`,
    );
    expect(error?.message).toContain('Likely causes');
    expect(weights).toEqual(good.weights);
  });

  test('an infinite loss with a finite gradient', async () => {
    const infinite: Term<Labeled> = (pass) => crossEntropy()(pass).add<tf.Scalar>(tf.scalar(Infinity));
    const { error, weights } = await run({ objective: infinite });
    expect(error?.message).toContain('the loss is Infinity at step 1, epoch 0. It is the first step');
    expect(weights).toEqual((await run({ signal: AbortSignal.abort() })).weights);
  });

  test('a gradient that is not finite below a finite loss', async () => {
    // The root's slope at 0 is infinite.
    const cornered: Term<Labeled> = (pass) => crossEntropy()(pass).add(tf.sqrt(tf.sum(pass.output.logits.mul(0))));
    const { error } = await run({ objective: cornered });
    expect(error?.code).toBe('not-finite');
    expect(error?.message).toContain("gradient's norm is NaN (the loss is");
  });

  test('its signal: between two steps, with the weights of the last one', async () => {
    const stop = new AbortController();
    const { error, weights } = await run({
      signal: stop.signal,
      onEvent: ({ type, step }) => {
        if (type === 'step' && step === 3) stop.abort();
      },
    });
    expect(error?.code).toBe('aborted');
    expect(error?.message).toContain('after 3 steps');
    expect(weights).toEqual((await run({ steps: 3 })).weights);
  });

  test('its signal from a timer, though the cpu engine computes at once', async () => {
    const { error } = await run({ steps: 2000, signal: AbortSignal.timeout(50) });
    expect(error?.code).toBe('aborted');
  });

  test('no batches', async () => {
    expect((await run({ data: toyBatches([]) })).error?.message).toContain('the data gave no batch in epoch 0');
  });
});

describe('accumulation', () => {
  const four = { data: toyBatches(rows.slice(0, 16), { batchSize: 4, shuffle: false }), accumulate: 4, epochs: 3 };
  const one = { data: toyBatches(rows.slice(0, 16), { batchSize: 16, shuffle: false }), epochs: 3 };
  test('four parts are one batch of four times the size', async () => {
    const [parts, whole] = [await run(four, { dropout: 0 }), await run(one, { dropout: 0 })];
    expect(parts.result.steps).toBe(3);
    expect(parts.result.loss).toBeCloseTo(whole.result.loss, 6);
    for (const [name, values] of Object.entries(whole.weights))
      await expectClose(parts.weights[name]!, values, { absolute: 1e-6 });
  });
  test('parts of different size count by their examples, and the rest of an epoch is a step', async () => {
    const options = { epochs: 1, optimizer: sgd({ learningRate: 0.1 }) };
    const parts = await run(
      { ...options, data: toyBatches(rows.slice(0, 10), { shuffle: false }), accumulate: 4 },
      { dropout: 0 },
    );
    const whole = await run(
      {
        ...options,
        optimizer: sgd({ learningRate: 0.1 }),
        data: toyBatches(rows.slice(0, 10), { batchSize: 10, shuffle: false }),
      },
      { dropout: 0 },
    );
    expect(parts.result.steps).toBe(1);
    for (const [name, values] of Object.entries(whole.weights))
      await expectClose(parts.weights[name]!, values, { absolute: 1e-6 });
  });
  test('reports: scalars are averaged, others follow one another', async () => {
    const term: Term<Labeled> = (pass) => {
      pass.report('labels', pass.batch.labels);
      return named('ce', crossEntropy())(pass);
    };
    const [parts, whole] = [
      await run({ ...four, objective: term }, { dropout: 0 }),
      await run({ ...one, objective: term }, { dropout: 0 }),
    ];
    const [a, b] = [steps(parts.events)[0]!.reports, steps(whole.events)[0]!.reports];
    expect(a['labels']).toEqual(b['labels']);
    expect(a['ce']).toBeCloseTo(b['ce'] as number, 6);
  });
  test('a report that only some parts make is their mean', async () => {
    let passes = 0;
    const term: Term<Labeled> = (pass) => {
      if (passes++ % 2 === 1) pass.report('odd', tf.scalar(3));
      return crossEntropy()(pass);
    };
    const { events } = await run({ ...four, objective: term });
    for (const { reports } of steps(events)) expect(reports['odd']).toBeCloseTo(3, 6);
  });
  test('a count of 0 is refused', async () => {
    expect((await run({ count: () => 0 })).error?.message).toContain('count must be a number > 0 for every batch, got 0');
  });
});

describe('evaluation', () => {
  const scripted = (values: number[]) => () => Promise.resolve(values.shift()!);
  test('the best weights come back at the end', async () => {
    const { result, weights, events } = await run({ epochs: 4, evaluate: { run: scripted([1, 3, 2, 0]) } });
    expect(result.best).toEqual({ step: 12, epoch: 2, value: 3 });
    expect(weights).toEqual((await run({ epochs: 2 })).weights);
    expect(events.filter((event) => event.type === 'evaluation').map(({ best }) => best)).toEqual([true, true, false, false]);
  });
  test('lower can be better, and patience ends the training', async () => {
    const { result } = await run({
      epochs: 9,
      evaluate: { run: scripted([3, 1, 2, 2, 0]), better: (value, best) => value < best, patience: 2 },
    });
    expect(result).toMatchObject({ epochs: 4, best: { epoch: 2, value: 1 } });
  });
  test('every few steps, and at the end in any case', async () => {
    const { result } = await run({ steps: 7, evaluate: { every: { steps: 3 }, run: scripted([1, 2, 3]) } });
    expect(result.history.evaluations.map(({ step }) => step)).toEqual([3, 6, 7]);
  });
  test('NaN is refused', async () => {
    expect((await run({ evaluate: { run: () => Promise.resolve(NaN) } })).error?.message).toContain('evaluate.run gave NaN');
  });
});

describe('what is refused', () => {
  test('bad numbers, with the value', async () => {
    expect((await run({ epochs: 0 })).error?.message).toBe('fit: epochs must be a whole number ≥ 1, got 0');
    expect((await run({ accumulate: 1.5 })).error?.message).toContain('accumulate must be a whole number ≥ 1, got 1.5');
    expect((await run({ checkpoint: { folder: 'x', everySteps: 0 } })).error?.message).toContain('checkpoint.everySteps');
    expect((await run({ seed: -1 })).error?.message).toBe('fit: seed must be a whole number from 0 to 4294967295, got -1');
  });
  test('a resume with another seed or from nothing, or of another model', async () => {
    const folder = path.join(await mkdtemp(path.join(tmpdir(), 'holdfast-')), 'run');
    expect((await run({ resume: folder })).error?.code).toBe('not-found');
    await run({ checkpoint: { folder, everySteps: 1 }, steps: 1 });
    expect((await run({ resume: folder, seed: 9 })).error?.message).toContain(
      `seed is 9, but the run in '${folder}' began with 1`,
    );
    const other = toy({ hidden: 5 });
    const optimizer = adamW({ learningRate: 1 });
    await expect(fit(other, { objective: crossEntropy(), data: toyBatches(rows), optimizer, resume: folder })).rejects.toThrow(
      'the checkpoint is of another model',
    );
    optimizer.dispose();
    other.dispose();
    await rm(path.dirname(folder), { recursive: true });
  });
});
