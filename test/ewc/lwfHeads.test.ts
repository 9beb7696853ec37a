import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import { createStep } from '../../src/core/step';
import type { Labeled, Model } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import { lwf } from '../../src/ewc/lwf';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { createModel } from '../../src/model/createModel';
import { adamW } from '../../src/training/adamW';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectNoLeak, scoped, tensorCount } from '../support/leaks';
import { shifted, somewhere } from '../support/penalties';
import { pupil } from '../support/pupil';
import { toy, toyBatch, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const names = (model: Model, part: string) => model.trainable.filter((name) => name.includes(part));

describe('the teacher and the old heads of lwf', () => {
  test(
    'frozen heads stay, whatever the other terms and the decay do; the encoder and the new head move',
    scoped(async () => {
      for (const frozenHeads of [true, false]) {
        const model = pupil();
        const guard = lwf({ frozenHeads });
        guard.consolidate(model, { heads: [model.head('0')] });
        const before = new Map<string, number[]>();
        for (const name in model.weights) before.set(name, await valuesOf(model.weights[name]!));
        const optimizer = adamW({ learningRate: 0.1, weightDecay: 0.5, decays: () => true });
        // No mask of classes: the cross entropy would push the old columns down.
        const step = createStep<Labeled>(model, { objective: sum(crossEntropy(), guard), optimizer });
        for (let i = 0; i < 3; i++) step(toyBatch([[1, 2, 3]], [2], { byRows: true }));
        const stayed: string[] = [];
        for (const [name, values] of before)
          if ((await valuesOf(model.weights[name]!)).every((value, i) => value === values[i])) stayed.push(name);
        expect(stayed).toEqual(frozenHeads ? ['classifier.0.weight', 'classifier.0.bias'] : []);
        optimizer.dispose();
        guard.dispose();
      }
    }),
  );

  test(
    'a head that comes later has no part in it; the teacher takes the memory of one model for any number of tasks',
    scoped(async () => {
      const sizes = { hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 12 };
      const model = createModel(
        { model_type: 'bert', vocab_size: 11, max_position_embeddings: 8, type_vocab_size: 2, initializer_range: 0.3, ...sizes },
        { tokenizer: toyTokenizer(11), seed: 3 },
      );
      const guard = lwf({ lambda: 2 });
      expect(() => guard.consolidate(model)).toThrow('lwf: there is no head whose answers could be kept');
      model.addHead('a', ['x', 'y'], { seed: 4 });
      guard.consolidate(model);
      const bias = model.weights['embeddings.LayerNorm.bias'] ?? model.weights['bert.embeddings.LayerNorm.bias'];
      bias!.assign(tf.linspace(-1, 1, 8));
      const alone = gradientsOf(guard, model)(somewhere());
      model.addHead('b', ['x', 'y', 'z'], { seed: 5 });
      const beside = gradientsOf(guard, model)(somewhere());
      expect(await valueOf(alone.loss)).toBeGreaterThan(1e-4);
      await expectSameBits(beside.loss, alone.loss);
      for (const name in alone.grads) await expectSameBits(beside.grads[name]!, alone.grads[name]!);
      expect(names(model, 'classifier')).toEqual(['classifier.b.weight', 'classifier.b.bias']);
      guard.consolidate(model);
      expect(names(model, 'classifier')).toEqual([]);
      const before = tensorCount();
      for (let task = 0; task < 20; task++) guard.consolidate(model);
      expect(tensorCount()).toBe(before);
      expect(Object.keys(guard.state())).toHaveLength(Object.keys(model.weights).length + 2);
      guard.dispose();
      model.dispose();
    }),
  );

  test(
    'rehearsed rows and masks of classes: the mean is over all rows and all old columns',
    scoped(async () => {
      const model = pupil();
      const [a, b] = [model.head('0'), model.head('1')];
      const guard = lwf({ frozenHeads: false });
      guard.consolidate(model, { heads: [a] });
      shifted(model, 0.2);
      const memory = replay({ perLabel: 1 });
      memory.remember(
        ['x', 'y'].map((label, i) => ({ text: `${1 + i} 3`, label })),
        { head: a },
      );
      const data = batches([{ text: '5 6', label: 'z' }], { head: b, rehearse: memory.draw(2) });
      for await (const batch of data.open({ model, seed: 1, epoch: 0 })) {
        const plain = { inputs: batch.inputs, examples: batch.examples };
        const [got, want] = [gradientsOf(guard, model)(batch), gradientsOf(guard, model)(plain)];
        expect(batch.shares!.size).toBe(3);
        await expectClose(got.loss, want.loss);
        const joined = gradientsOf(sum(crossEntropy(), guard), model)(batch);
        expect(Number.isFinite(await valueOf(joined.loss))).toBe(true);
      }
      guard.dispose();
    }),
  );

  test(
    'a state is a copy, goes on the same and freezes again; half of one is refused and changes nothing',
    scoped(async () => {
      const [model, other] = [pupil(), pupil()];
      const [guard, again] = [lwf(), lwf()];
      guard.consolidate(model, { heads: [model.head('0')] });
      again.restore(guard.state(), other);
      expect(other.trainable).toEqual(model.trainable);
      expect(other.trainable).not.toContain('classifier.0.weight');
      for (const each of [model, other]) shifted(each, 0.2);
      const [want, got] = [gradientsOf(guard, model)(somewhere()), gradientsOf(again, other)(somewhere())];
      await expectSameBits(got.loss, want.loss);
      for (const name in want.grads) await expectSameBits(got.grads[name]!, want.grads[name]!);
      again.consolidate(other);
      expect(names(other, 'classifier')).toEqual([]);
      again.restore(guard.state(), other);
      expect(other.trainable).toEqual(model.trainable);
      const before = again.state();
      const { 'columns.0': mask, ...teacher } = before;
      for (const half of [teacher, { 'columns.0': mask! }])
        expect(() => again.restore(half, other)).toThrow("lwf: the state lacks 'teacher.…' or 'columns.…'");
      expect(again.state()).toEqual(before);
      for (const each of [guard, again]) each.dispose();
    }),
  );

  test(
    'leaves no tensor; bad arguments, another model and a use after dispose are refused',
    scoped(async () => {
      const model = pupil();
      await expectNoLeak(() => {
        const guard = lwf();
        for (let task = 0; task < 2; task++) guard.consolidate(model);
        guard.restore(guard.state(), model);
        tf.tidy(() => void gradientsOf(guard, model)(somewhere()));
        guard.dispose();
      });
      expect(() => lwf({ lambda: -1 })).toThrow('lwf: lambda must be a number ≥ 0, got -1');
      expect(() => lwf({ temperature: 0 })).toThrow('lwf: temperature must be a number above 0, got 0');
      const guard = lwf();
      expect(() => guard.consolidate(toy())).toThrow('lwf: the model has no setTrainable');
      guard.consolidate(model);
      expect(() => gradientsOf(guard, toy({ vocabulary: 12 }))(somewhere())).toThrow('of shape [11, 6] has shape [12, 6]');
      guard.dispose();
      expect(() => gradientsOf(guard, model)(somewhere())).toThrow('lwf: used after dispose');
    }),
  );
});
