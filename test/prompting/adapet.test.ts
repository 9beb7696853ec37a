import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { denseGradients } from '../../src/core/rows';
import { disposeBatch, type Example } from '../../src/data';
import type { TextModel } from '../../src/model/types';
import { adapet, decoupledLabelLoss, decoupledLabelLossOf, labelConditionedMlm } from '../../src/prompting/adapet';
import { cloze } from '../../src/prompting/cloze';
import { labelConditioned, type LabelConditioned } from '../../src/prompting/labelConditioned';
import { maskedLm } from '../../src/prompting/maskedLm';
import { pattern } from '../../src/prompting/pattern';
import { verbalizer, type WordsOfLabel } from '../../src/prompting/verbalizer';
import { loadTiny } from '../model/tiny';
import { expectClose, expectEach, expectSameBits, valuesOf } from '../support/close';
import { MASK, numberTokenizer } from '../support/cloze';
import { expectGradient } from '../support/expectGradient';
import { failure } from '../support/failure';
import { firstOf } from '../support/firstOf';
import { fixture } from '../support/fixture';
import { expectNoLeak, scoped } from '../support/leaks';
import { toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Loss {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}
interface Numbers {
  readonly texts: number[][];
  readonly labels: number[];
  readonly words: Readonly<Record<'a' | 'b' | 'c', Record<string, number>>>;
  readonly double: Readonly<Record<'a' | 'b' | 'c', string>>;
  readonly conditioned: Readonly<Record<'positions' | 'targets' | 'right', number[]>> & { readonly ids: number[][] };
  readonly decoupled: Loss;
  readonly conditionedMlm: Loss;
  readonly adapet: Loss;
  readonly two: number;
}
const torch = fixture<Numbers>('adapet.json');
const examples: Example[] = torch.texts.map((text, i) => ({ text: text.join(' '), label: 'abc'[torch.labels[i]!]! }));
const asked = () => ({ ...toy({ vocabulary: 60 }), tokenizer: numberTokenizer(60) });

interface Asking {
  readonly words?: Readonly<Record<string, WordsOfLabel>>;
  readonly source?: string;
  readonly options?: Parameters<typeof labelConditioned>[1];
  readonly seed?: number;
}
function firstBatch(model: TextModel, asking: Asking = {}) {
  const { words = torch.words, source = '{text} 7 {mask} 8', options = {}, seed = 1 } = asking;
  const task = { pattern: pattern(source), verbalizer: verbalizer(words), shuffle: false };
  return firstOf(labelConditioned(cloze(examples, task), options), model, { seed });
}

const givenView = (): LabelConditioned['conditioned'] => {
  const ids = tf.tensor2d(torch.conditioned.ids, undefined, 'int32');
  return {
    inputs: { ids, mask: tf.cast(tf.notEqual(ids, 0), 'float32') },
    positions: tf.tensor1d(torch.conditioned.positions, 'int32'),
    targets: tf.tensor1d(torch.conditioned.targets, 'int32'),
    right: tf.tensor1d(torch.conditioned.right),
  };
};

describe('by hand', () => {
  test(
    'a right word of ½, wrong ones of ⅕ and 1/10 with shares ¾ and ¼: ln 2 − ¾ ln .8 − ¼ ln .9',
    scoped(async () => {
      const logs = tf.log(
        tf.tensor3d([
          [
            [0.5, 0.3],
            [0.2, 0.1],
          ],
        ]),
      ) as tf.Tensor3D;
      const shares = tf.tensor2d([1, 0, 0.75, 0.25], [2, 2]);
      const want = Math.log(2) - 0.75 * Math.log(0.8) - 0.25 * Math.log(0.9);
      await expectClose(decoupledLabelLossOf(logs, tf.tensor1d([0], 'int32'), shares), [want]);
    }),
  );

  test(
    'the right word stands in the gap and other tokens are hidden, never the gap or a special token',
    scoped(async () => {
      const { inputs, conditioned } = await firstBatch(asked(), { options: { rate: 0.5, wrong: 0 } });
      const [whole, filled] = [await inputs.ids.array(), await conditioned.inputs.ids.array()];
      const [at, targets] = [await valuesOf(conditioned.positions), await valuesOf(conditioned.targets)];
      const T = whole[0]!.length;
      // Ordinary tokens beside the gap: 6, 4 and 5, of which half are hidden.
      expect([0, 1, 2].map((b) => at.filter((place) => Math.floor(place / T) === b).length)).toEqual([3, 2, 3]);
      whole.forEach((row, b) =>
        row.forEach((id, t) => {
          const n = at.indexOf(b * T + t);
          if (id === MASK) expect([[9, 30], [40], [12, 13]][b]).toContain(filled[b]![t]);
          else if (n < 0) expect(filled[b]![t]).toBe(id);
          else {
            expect(filled[b]![t]).toBe(MASK);
            expect(targets[n]).toBe(id);
            expect(id).toBeGreaterThan(MASK);
          }
        }),
      );
      await expectClose(conditioned.right, Array<number>(8).fill(1));
    }),
  );

  test(
    'a wrong answer is never the right one; one seed, one view; a resumed epoch goes on with it',
    scoped(async () => {
      const model = asked();
      const of = async (seed: number) => (await firstBatch(model, { options: { wrong: 1 }, seed })).conditioned;
      for (let seed = 0; seed < 10; seed++) {
        const { inputs, right } = await of(seed);
        expect(await valuesOf(right)).toEqual([0, 0, 0]);
        const rows = await inputs.ids.array();
        expect([9, 30]).not.toContain(rows[0]![6]);
        expect([40]).not.toContain(rows[1]![4]);
        expect([12, 13]).not.toContain(rows[2]![5]);
      }
      await expectSameBits((await of(1)).inputs.ids, (await of(1)).inputs.ids);
      const task = { pattern: pattern('{text} 7 {mask} 8'), verbalizer: verbalizer(torch.words), batchSize: 1 };
      const read = async (skip: number) => {
        const all: number[][] = [];
        for await (const batch of labelConditioned(cloze(examples, task)).open({ model, seed: 3, epoch: 2, skip }))
          all.push(await valuesOf(batch.conditioned.inputs.ids));
        return all;
      };
      expect(await read(1)).toEqual((await read(0)).slice(1));
    }),
  );
});

test(
  'central differences',
  scoped(async () => {
    const model = asked();
    await expectGradient(adapet(), model, { ...(await firstBatch(model)), conditioned: givenView() }, { entries: 2 });
  }),
);

describe('PyTorch, on a BERT', () => {
  test(
    'loss and gradients of both parts and the sum; two masks',
    scoped(async () => {
      const model = await loadTiny('bert-mlm', { tokenizer: numberTokenizer(60) });
      const batch = { ...(await firstBatch(model)), conditioned: givenView() };
      for (const [term, want] of [
        [decoupledLabelLoss(), torch.decoupled],
        [labelConditionedMlm(), torch.conditionedMlm],
        [adapet(), torch.adapet],
      ] as const) {
        const { loss, grads, rows } = gradientsOf(term, model)(batch);
        await expectClose(loss, [want.loss], { absolute: 1e-5 });
        const dense = denseGradients(grads, rows, model.weights);
        await expectEach(dense, want.gradients, { absolute: 1e-5 });
      }
      const twice = await firstBatch(model, { words: torch.double, source: '{text} 7 {mask}{mask} 8' });
      await expectClose(gradientsOf(decoupledLabelLoss(), model)(twice).loss, [torch.two], { absolute: 1e-5 });
      model.dispose();
    }),
  );
});

describe('limits', () => {
  test(
    'with right answers alone it is masked language modelling; a wrong word of probability 1 stays finite',
    scoped(async () => {
      const model = asked();
      const batch = await firstBatch(model, { options: { wrong: 0 } });
      const masked = { ...batch, masked: batch.conditioned };
      const { loss } = gradientsOf(labelConditionedMlm(), model)(batch);
      await expectClose(loss, gradientsOf(maskedLm(), model)(masked).loss);
      const loss1 = (logs: tf.Tensor) =>
        tf.sum<tf.Scalar>(decoupledLabelLossOf(logs as tf.Tensor3D, tf.tensor1d([0], 'int32'), tf.ones([2, 1])));
      const { value, grad } = tf.valueAndGrad(loss1)(tf.tensor3d([[[-1], [0]]]));
      await expectClose(value, [1 - Math.log(1e-7)], { absolute: 1e-4 });
      await expectClose(grad, [-1, 0]);
    }),
  );

  test('leaves nothing behind, also where it refuses', async () => {
    const model = asked();
    await expectNoLeak(async () => {
      const batch = await firstBatch(model);
      tf.tidy(() => void gradientsOf(adapet(), model)(batch));
      disposeBatch(batch);
    });
    const empty = cloze([{ text: '', label: 'a' }], { pattern: pattern('{text} {mask}'), verbalizer: verbalizer(torch.words) });
    await expectNoLeak(async () => {
      const opened = labelConditioned(empty).open({ model, seed: 1, epoch: 0 })[Symbol.asyncIterator]();
      expect((await failure(opened.next())).message).toContain('none of the 1 rows of a batch has a token beside the gap');
    });
    expect(() => labelConditioned(empty, { wrong: 2 })).toThrow('wrong must be a number from 0 to 1, got 2');
    model.dispose();
  });
});
