import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { lwf, type LwfModel } from '../../src/ewc/lwf';
import { createModel } from '../../src/model/createModel';
import { expectClose, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { expectNoLeak, scoped } from '../support/leaks';
import { expectNothing, here, mixed, move, shifted, somewhere, tasks } from '../support/penalties';
import { biased, expectGradients, fixture, newRows, oneBatch, setBias } from '../support/rehearsals';
import { toy, toyTokenizer, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The toy with the heads '0' and '1', which can freeze weights. */
function freezable(model: Toy = toy({ heads: { '0': ['x', 'y'], '1': ['z'] } })): Toy & LwfModel {
  return Object.assign(model, {
    setTrainable(names: readonly string[]) {
      (model as { trainable: readonly string[] }).trainable = names;
    },
  });
}

describe('lwf', () => {
  test(
    'by hand: the teacher says 3 : 1 at T = 2, the model 1 : 1',
    scoped(async () => {
      const model = freezable(biased([2 * Math.log(3), 0]));
      const old = lwf({ lambda: 4, frozen: () => false });
      old.remember(model);
      setBias(model, [0, 0]);
      const { loss, grads, reports } = gradientsOf(old, model)(mixed());
      const want = 4 * (0.75 * Math.log(1.5) + 0.25 * Math.log(0.5));
      await expectClose(loss, [want]);
      await expectClose(reports['lwf']!, [want]);
      // λ (q − p) / T
      await expectClose(grads['classifier.0.bias']!, [-0.5, 0.5]);
      old.dispose();
    }),
  );

  test(
    'its gradient is the numerical one',
    scoped(async () => {
      const model = freezable();
      const old = lwf({ lambda: 3, frozen: () => false });
      old.remember(model, [model.heads]);
      shifted(model, 0.3);
      await expectGradient(old, model, mixed());
      old.dispose();
    }),
  );

  test(
    'equals PyTorch, with one softmax for each old head and with one for all',
    scoped(async () => {
      for (const how of ['apart', 'together'] as const) {
        const model = freezable();
        move(model, tasks[0]!.weights);
        const old = lwf({ frozen: () => false });
        old.remember(model, how === 'apart' ? undefined : [model.heads]);
        move(model, here);
        const got = gradientsOf(old, model)(await oneBatch(model, newRows));
        expect(await valueOf(got.loss)).toBeCloseTo(fixture.lwf[how].value, 5);
        await expectGradients(got, fixture.lwf[how].gradient, model);
        old.dispose();
      }
    }),
  );

  test(
    'limits: before any call and with λ = 0 training without it, bit for bit; 0 at its own teacher',
    scoped(async () => {
      const model = freezable();
      const [fresh, free, own] = [lwf(), lwf({ lambda: 0 }), lwf({ frozen: () => false })];
      free.remember(model, [model.heads]);
      own.remember(model, [model.heads]);
      const { loss, grads } = gradientsOf(own, model)(somewhere());
      expect(await valueOf(loss)).toBe(0);
      for (const grad of Object.values(grads)) await expectClose(tf.max(tf.abs(grad)), [0], { absolute: 1e-6 });
      shifted(model, 0.3);
      for (const each of [fresh, free]) await expectNothing(each, model);
      for (const each of [free, own]) each.dispose();
    }),
  );

  test(
    'old heads stop, the new head and the encoder go on, and the new head does not count',
    scoped(async () => {
      const shape = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 12, type_vocab_size: 2 };
      const model = createModel(
        { model_type: 'bert', vocab_size: 11, max_position_embeddings: 8, initializer_range: 0.3, ...shape },
        { tokenizer: toyTokenizer(11), seed: 3 },
      );
      model.addHead('a', ['x', 'y'], { seed: 4 });
      const old = lwf();
      const bytes = tf.memory().numBytes;
      old.remember(model);
      expect(tf.memory().numBytes).toBe(bytes);
      const next = model.addHead('b', ['z', 'w'], { seed: 5 });
      expect(model.trainable.filter((name) => name.startsWith('classifier.'))).toEqual([
        'classifier.b.weight',
        'classifier.b.bias',
      ]);
      expect(await valueOf(gradientsOf(old, model)(mixed()).loss)).toBe(0);
      for (const name of model.trainable)
        model.weights[name]!.assign(model.weights[name]!.add(tf.randomNormal(model.weights[name]!.shape, 0, 0.3, 'float32', 1)));
      const { loss, grads } = gradientsOf(old, model)(mixed());
      expect(await valueOf(loss)).toBeGreaterThan(0);
      expect(Object.keys(grads).some((name) => name.includes('encoder'))).toBe(true);
      for (const name of Object.keys(grads).filter((key) => key.startsWith('classifier.')))
        expect(await valueOf(tf.max(tf.abs(grads[name]!)))).toBe(0);
      // The second task's own head joins the old ones.
      old.remember(model);
      expect(model.trainable.filter((name) => name.startsWith(`classifier.${next.name}.`))).toEqual([]);
      old.dispose();
      model.dispose();
    }),
  );

  test(
    'nothing leaks; bad arguments and a use after dispose are refused',
    scoped(async () => {
      const model = freezable();
      await expectNoLeak(() => {
        const brief = lwf();
        brief.remember(model);
        brief.remember(model);
        brief.dispose();
      });
      expect(() => lwf({ lambda: -1 })).toThrow('lwf: lambda must be a number ≥ 0, got -1');
      expect(() => lwf({ temperature: 0 })).toThrow('lwf: temperature must be');
      const old = lwf();
      expect(() => old.remember(model, [])).toThrow('there is no head to remember');
      old.dispose();
      expect(() => old.remember(model)).toThrow('used after dispose');
      expect(() => gradientsOf(old, model)(somewhere())).toThrow('used after dispose');
    }),
  );
});
