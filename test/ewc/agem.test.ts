import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { sum } from '../../src/core/objective';
import { createStep } from '../../src/core/step';
import type { GradientFn, Labeled } from '../../src/core/types';
import { useEngine } from '../../src/engine/engines';
import { agem, agemFactor } from '../../src/ewc/agem';
import { ewc } from '../../src/ewc/ewc';
import { partOf } from '../../src/ewc/rehearsedGradient';
import { replay } from '../../src/ewc/replay';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { createModel } from '../../src/model/createModel';
import { adamW } from '../../src/training/adamW';
import { expectClose, expectSameBits, valueOf, valuesOf } from '../support/close';
import { expectNoLeak, scoped } from '../support/leaks';
import { describeNative } from '../support/native';
import { dataOf, here, move, shifted, tasks } from '../support/penalties';
import * as given from '../support/rehearsed';
import { dot, expectGradients, expectSameGradients, flat, memoryOf, newRows, oneBatch, projections } from '../support/rehearsed';
import { toy, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A toy, a batch of new and remembered rows, and the gradients of both. */
async function opened(kind: 'against' | 'agreeing', offset = false) {
  const model = toy();
  move(model, here);
  const guard = agem(memoryOf(model, given[kind]).draw(9));
  const made = await oneBatch(model, newRows, guard);
  const zeros = tf.zeros<tf.Rank.R3>([...made.inputs.ids.shape, model.hiddenSize]);
  const batch = offset ? { ...made, inputs: { ...made.inputs, offset: zeros } } : made;
  return { model, guard, batch, fresh: partOf('test', batch, [0, 1, 2]), old: partOf('test', batch, [3, 4]) };
}

describe('agem', () => {
  test.each([
    { r: [0, 2], want: [3, 0], taken: 2 }, // g·r = −8, r·r = 4
    { r: [1, 0], want: [3, -4], taken: 0 },
    { r: [0, 0], want: [3, -4], taken: 0 },
  ])('by hand: g (3, −4) with r ($r) becomes ($want); the loss is that of the new rows', ({ r, want, taken }) =>
    scoped(async () => {
      const { model, guard, batch } = await opened('against');
      const fake: GradientFn<Labeled> = ({ examples }) => ({
        loss: tf.scalar(examples.length),
        grads: { 'dense.bias': tf.tensor1d(examples.length === 3 ? [3, -4] : r) },
        rows: {},
        reports: { rows: tf.scalar(examples.length) },
      });
      const { loss, grads, reports } = guard(fake, model)(batch);
      await expectClose(grads['dense.bias']!, want);
      await expectClose(agemFactor(tf.scalar(3 * r[0]! - 4 * r[1]!), tf.scalar(r[0]! ** 2 + r[1]! ** 2)), taken);
      await expectClose(tf.stack([loss, reports['agem']!, reports['rows']!]), [3, taken, 3]);
    })(),
  );

  test(
    'its offset has the numerical slope of each row in its own loss, in the order of the rows',
    scoped(async () => {
      const { model, guard, batch, fresh, old } = await opened('against', true);
      const evaluate = gradientsOf(crossEntropy(), model);
      const { offset } = guard(evaluate, model)(batch);
      expect(offset!.shape).toEqual(batch.inputs.offset!.shape);
      const got = await valuesOf(offset!);
      for (const [part, from, row] of [
        [fresh, 0, 1],
        [old, 3, 0],
      ] as const) {
        const [, T, size] = part.inputs.offset!.shape;
        const at = row * T * size + 2;
        const probe = async (by: number) => {
          const moved = tf.oneHot([at], part.inputs.offset!.size).mul(by).reshape<tf.Tensor3D>(part.inputs.offset!.shape);
          return valueOf(evaluate({ ...part, inputs: { ...part.inputs, offset: moved } }).loss);
        };
        expect(((await probe(0.01)) - (await probe(-0.01))) / 0.02).toBeCloseTo(got[from * T * size + at]!, 3);
      }
    }),
  );

  test(
    'what is left has nothing against the remembered rows; what was taken is along their gradient',
    scoped(async () => {
      const { model, guard, batch, fresh, old } = await opened('against');
      const plain = gradientsOf(crossEntropy(), model);
      const parts = [guard(plain, model)(batch), plain(fresh), plain(old)];
      const [got, g, r] = (await Promise.all(parts.map((part) => flat(part, model)))) as [number[], number[], number[]];
      expect(dot(g, r)).toBeLessThan(-1);
      expect(Math.abs(dot(got, r))).toBeLessThan(1e-5);
      expect(Math.abs(dot(got, got) - dot(got, g))).toBeLessThan(1e-5);
    }),
  );

  test.each(['against', 'agreeing'] as const)('equals PyTorch with a memory %s the new rows, by rows and dense', (kind) =>
    scoped(async () => {
      const { model, guard, batch } = await opened(kind);
      const { vocabulary: _dropped, ...dense } = batch;
      for (const each of [batch, dense]) {
        const got = guard(gradientsOf(crossEntropy(), model), model)(each);
        await expectClose(got.loss, projections.agem.loss);
        await expectClose(got.reports['agem']!, projections.agem[kind].taken);
        expect(Object.keys(got.rows)).toEqual(each === batch ? [model.embeddingTable] : []);
        await expectGradients(got, projections.agem[kind].gradient, model);
      }
    })(),
  );

  describe('limits', () => {
    test(
      'without a conflict, and with an empty memory, it is the gradient of the new rows, bit for bit, and so are the weights after it',
      scoped(async () => {
        const { model, guard, batch, fresh } = await opened('agreeing');
        const plain = gradientsOf(crossEntropy(), model);
        const [got, want] = [guard(plain, model)(batch), plain(fresh)];
        expect(await valueOf(got.reports['agem']!)).toBe(0);
        await expectSameBits(got.loss, want.loss);
        await expectSameGradients(got, want);

        const ends = [];
        for (const [transforms, each] of [
          [[guard], batch],
          [[], fresh],
        ] as const) {
          move(model, here);
          const optimizer = adamW({ learningRate: 0.01 });
          createStep(model, { objective: crossEntropy(), optimizer, transforms })(each);
          optimizer.dispose();
          ends.push((await Promise.all(model.trainable.map((name) => valuesOf(model.weights[name]!)))).flat());
        }
        expect(ends[0]).toEqual(ends[1]);

        const empty = agem(replay({ perLabel: 3 }).draw(4));
        const alone = await oneBatch(model, newRows, empty);
        const [ours, theirs] = [empty(plain, model)(alone), plain(alone)];
        expect(Object.keys(ours.reports)).toEqual([]);
        for (const name in theirs.grads) await expectSameBits(ours.grads[name]!, theirs.grads[name]!);
      }),
    );

    test(
      'with ewc the penalty counts once: without a conflict it is the gradient of crossEntropy and ewc on the new rows',
      scoped(async () => {
        const { model, guard, batch, fresh, old } = await opened('agreeing');
        const penalty = ewc({ lambda: 2 });
        await penalty.consolidate(model, dataOf(tasks[0]!));
        shifted(model, 0.05);
        const both = gradientsOf(sum(crossEntropy(), penalty), model);
        const parts = [both(fresh), both(old), gradientsOf(crossEntropy(), model)(fresh)];
        const [g, r, rows] = (await Promise.all(parts.map((part) => flat(part, model)))) as [number[], number[], number[]];
        expect(dot(g, r)).toBeGreaterThan(0);
        expect(g).not.toEqual(rows);
        await expectSameGradients(guard(both, model)(batch), both(fresh));
        penalty.dispose();
      }),
    );
  });

  test(
    'rows are told apart by what was drawn: batches() passes on the same objects, and a remembered text may also come as a new row',
    scoped(async () => {
      const model = toy();
      const row = { text: '1 2', label: 'x' };
      const guard = agem(memoryOf(model, [row]).draw(1));
      const batch = await oneBatch(model, [row, newRows[0]!], guard);
      expect(batch.examples[0]).toBe(row);
      expect(batch.examples[2]).toEqual(row);
      const sizes: number[] = [];
      const counted: GradientFn<Labeled> = (part, at) => {
        sizes.push(part.examples.length);
        return gradientsOf(crossEntropy(), model)(part, at);
      };
      guard(counted, model)(batch);
      expect(sizes).toEqual([2, 1]);
    }),
  );

  test(
    'leaves no tensor; rows that another memory drew, and batches that cannot be split, are refused',
    scoped(async () => {
      const { model, guard, batch } = await opened('against');
      const step = () => createStep(model, { objective: crossEntropy(), optimizer, transforms: [guard] })(batch);
      const optimizer = adamW({ learningRate: 0.01 });
      await expectNoLeak(() => tf.dispose(step()));
      optimizer.dispose();
      const other = await oneBatch(model, newRows, memoryOf(model, given.against).draw(2));
      expect(() => guard(gradientsOf(crossEntropy(), model), model)(other)).toThrow(
        'remembered rows that this agem did not draw',
      );
      const masked = { ...batch, masked: { positions: tf.tensor1d([1, 2, 3, 4, 5], 'int32') } };
      expect(() => guard(gradientsOf(crossEntropy(), model), model)(masked)).toThrow(
        "agem: the batch cannot be split: of its field 'masked'",
      );
    }),
  );
});

describeNative('agem', () => {
  const config = { model_type: 'bert', vocab_size: 11, hidden_size: 8, num_hidden_layers: 2, num_attention_heads: 2 };
  async function measured(): Promise<Record<string, number[]>> {
    const shape = { intermediate_size: 12, max_position_embeddings: 8, type_vocab_size: 2, initializer_range: 0.3 };
    const model = createModel({ ...config, ...shape }, { tokenizer: toyTokenizer(11), seed: 3 });
    model.addHead('a', ['x', 'y'], { seed: 4 });
    model.addHead('b', ['z'], { seed: 5 });
    const guard = agem(memoryOf(model, given.against).draw(9));
    const batch = await oneBatch(model, newRows, guard);
    const { loss, grads, reports } = guard(gradientsOf(crossEntropy(), model), model)(batch);
    const values: Record<string, number[]> = {};
    for (const [name, tensor] of Object.entries({ loss, taken: reports['agem']!, ...grads }))
      values[name] = await valuesOf(tensor);
    model.dispose();
    return values;
  }

  test(
    "a conflict is taken out as on tfjs's own kernels",
    scoped(async () => {
      const want = await measured();
      await useEngine({ engine: 'onnxruntime' });
      const got = await measured();
      await tf.setBackend('cpu');
      expect(want['taken']![0]).toBeGreaterThan(0.01);
      expect(Object.keys(got)).toEqual(Object.keys(want));
      for (const name in want) await expectClose(got[name]!, want[name]!, { absolute: 1e-5, relative: 1e-4 });
    }),
  );
});
