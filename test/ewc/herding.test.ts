import * as tf from '@tensorflow/tfjs';
import seedrandom from 'seedrandom';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Example } from '../../src/data/types';
import { herding, herdingOf } from '../../src/ewc/herding';
import type { TextModel } from '../../src/model/types';
import { loadModel } from '../../src/model';
import { useEngine } from '../../src/engine/engines';
import { fixture } from '../support/fixture';
import { expectNoLeak } from '../support/leaks';
import { describeSmall } from '../support/small';
import { headsOf, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const unit = (vector: readonly number[]) => vector.map((value) => value / Math.hypot(...vector));

/** A model whose pooled vector of the text '3' is the third of these, whatever else stands in the batch. */
function tableModel(vectors: readonly (readonly number[])[], labelsOf: Record<string, string[]> = { a: ['x', 'y'], b: ['z'] }) {
  const heads = headsOf(labelsOf);
  const widths: number[] = [];
  return {
    tokenizer: toyTokenizer(vectors.length + 1),
    maxLength: 16,
    widths,
    head: (name: string) => heads.find((head) => head.name === name)!,
    forward: ({ ids }: { ids: tf.Tensor2D }) => {
      widths.push(ids.shape[1]);
      const first = tf.slice(ids, [0, 0], [ids.shape[0], 1]).flatten();
      return { pooled: tf.gather(tf.tensor2d([vectors[0]!.map(() => 9), ...vectors.map((row) => [...row])]), first) };
    },
  } as unknown as TextModel & { readonly widths: number[] };
}
const rowsOf = (numbers: readonly number[], label = 'x'): Example[] => numbers.map((n) => ({ text: String(n), label }));
const keptBy = (memory: ReturnType<typeof herding>) =>
  Object.fromEntries(memory.state().labels.map(({ label, examples }) => [label, examples.map(({ text }) => Number(text))]));

describe('herding', () => {
  test('by hand: mean (0.28, 0.6)', () => {
    const vectors = [[1, 0], [0, 1], [-0.6, 0.8], [0.6, 0.8], [0.4, 0.4]]; // prettier-ignore
    // Distances to μ: 0.94, 0.49, 0.90, 0.38, 0.23: the last. Then 2μ − p₁ = (0.16, 0.8): 1.16, 0.26, 0.76, 0.44: the second.
    // Then 3μ − Σ = (0.44, 0.4): 0.69, –, 1.11, 0.43: the fourth.
    expect(herdingOf(vectors, 3)).toEqual([4, 1, 3]);
    expect(herdingOf(vectors, 9)).toHaveLength(5);
    expect(herdingOf([], 2)).toEqual([]);
    // The second one counts as three: μ = (¼, ¾). Of equally near ones the first is taken.
    expect(herdingOf([[1, 0], [0, 1]], 1, [1, 3])).toEqual([1]); // prettier-ignore
    expect(herdingOf([[0, 1], [1, 0]], 1)).toEqual([0]); // prettier-ignore
  });

  test.each(
    fixture<{ cases: { vectors: number[][]; picked: number[] }[] }>('herding.json').cases.map((one, i) => [i, one] as const),
  )('case %i equals numpy, through a model and in batches', async (_, { vectors, picked }) => {
    expect(herdingOf(vectors.map(unit), picked.length)).toEqual(picked);
    const model = tableModel(vectors);
    const memory = herding({ perLabel: picked.length });
    await memory.remember(model, rowsOf([...vectors.keys()].map((i) => i + 1)), { head: model.head('a'), batchSize: 7 });
    expect(keptBy(memory)).toEqual({ x: picked.map((i) => i + 1) });
  });

  const { vectors } = fixture<{ cases: { vectors: number[][] }[] }>('herding.json').cases[2]!;
  const numbers = [...vectors.keys()].map((i) => i + 1);

  test('the first ones are what a smaller memory would have kept: by state, and as labels come', async () => {
    const model = tableModel(vectors);
    const [large, small, shared] = [herding({ perLabel: 20 }), herding({ perLabel: 6 }), herding({ size: 12 })];
    for (const memory of [large, small, shared]) await memory.remember(model, rowsOf(numbers), { head: model.head('a') });
    const best = keptBy(large)['x']!;
    expect(keptBy(small)).toEqual({ x: best.slice(0, 6) });
    expect(keptBy(shared)).toEqual({ x: best.slice(0, 12) });
    small.restore(JSON.parse(JSON.stringify(large.state())) as ReturnType<typeof large.state>, model);
    expect(keptBy(small)).toEqual({ x: best.slice(0, 6) });
    await shared.remember(model, rowsOf(numbers, 'z'), { head: model.head('b') });
    expect(keptBy(shared)).toEqual({ x: best.slice(0, 6), z: best.slice(0, 6) });
    expect(shared.counts()).toEqual({ a: { x: 6 }, b: { z: 6 } });
  });

  test('more of a label: those kept stand for all that were seen', async () => {
    const model = tableModel(vectors);
    const memory = herding({ perLabel: 3 });
    await memory.remember(model, rowsOf(numbers.slice(0, 30)), { head: model.head('a') });
    const kept = keptBy(memory)['x']!;
    await memory.remember(model, rowsOf(numbers.slice(30)), { head: model.head('a') });
    const candidates = [...kept, ...numbers.slice(30)];
    const counts = candidates.map((_, i) => (i < 3 ? 10 : 1));
    const want = herdingOf(
      candidates.map((n) => unit(vectors[n - 1]!)),
      3,
      counts,
    );
    expect(keptBy(memory)).toEqual({ x: want.map((i) => candidates[i]!) });
    expect(memory.state().labels[0]!.seen).toBe(40);
  });

  test('reads readers, draws like the other memories, evaluates short texts with short ones', async () => {
    const model = tableModel(vectors);
    async function* reader() {
      for (const n of numbers) yield { text: n % 2 ? `${n} 1 1 1 1` : String(n), label: n % 2 ? 'x' : 'y' };
    }
    const memory = herding({ perLabel: 5 });
    await memory.remember(model, reader(), { head: model.head('a'), batchSize: 20 });
    expect(model.widths).toEqual([1, 5]);
    const drawn = memory.draw(6).draw(seedrandom('1'));
    expect(drawn.map(({ example }) => example.label).sort()).toEqual(['x', 'x', 'x', 'y', 'y', 'y']);
  });

  test('calls wait for each other: none is lost', async () => {
    const model = tableModel(vectors);
    const memory = herding({ perLabel: 2 });
    const calls = [numbers.slice(0, 10), numbers.slice(10, 20)].map((some) =>
      memory.remember(model, rowsOf(some), { head: model.head('a') }),
    );
    await Promise.all(calls);
    expect(memory.state().labels[0]!.seen).toBe(20);
  });

  test('limits: nothing is kept and no model asked for perLabel 0; no example changes nothing', async () => {
    const model = tableModel(vectors);
    const none = herding({ perLabel: 0 });
    await none.remember(model, rowsOf(numbers), { head: model.head('a') });
    await herding({ perLabel: 2 }).remember(model, [], { head: model.head('a') });
    expect([none.size, model.widths]).toEqual([0, []]);
  });

  test('what is bad is refused, changes nothing and does not stop the next call; no tensor is left', async () => {
    const model = tableModel([...vectors.slice(0, 4), vectors[0]!.map(() => NaN)]);
    const head = model.head('a');
    const memory = herding({ perLabel: 2 });
    await memory.remember(model, rowsOf([1, 2, 3]), { head });
    const before = memory.state();
    await expect(memory.remember(model, [{ text: '1' }], { head })).rejects.toThrow('herding: row 1 has no label');
    await expect(memory.remember(model, rowsOf([1], 'z'), { head })).rejects.toMatchObject({ code: 'unknown-label' });
    await expect(memory.remember(model, rowsOf([4, 5]), { head })).rejects.toMatchObject({ code: 'not-finite' });
    await expect(memory.remember(model, rowsOf([4]), { head, batchSize: 0 })).rejects.toThrow('batchSize must be');
    expect(memory.state()).toEqual(before);
    await expectNoLeak(() => memory.remember(model, rowsOf([4]), { head }));
    expect(memory.state().labels[0]!.seen).toBe(5);
    expect(() => herding({})).toThrow('herding: give perLabel');
  });
});

describeSmall('herding with holdfast-small', (folder) => {
  beforeAll(async () => {
    await useEngine({ engine: 'onnxruntime' });
  });

  test(
    'four of twenty have the mean of all, far nearer than the four of any one subject; twice the same',
    { timeout: 60_000 },
    async () => {
      await using model = await loadModel(folder, { pooling: 'mean' });
      const head = model.addHead('support', ['order', 'account'], { seed: 1 });
      const subjects = ['parcel', 'invoice', 'refund', 'order', 'voucher', 'password', 'address', 'phone number'];
      const forms = [
        'Where is my SUBJECT?',
        'I need a new SUBJECT, please.',
        'Why was the SUBJECT changed?',
        'Mein SUBJECT fehlt.',
      ];
      const examples = subjects.flatMap((subject, s) =>
        forms.map((form) => ({ text: form.replace('SUBJECT', subject), label: s < 5 ? 'order' : 'account' })),
      );
      const [memory, again] = [herding({ perLabel: 4 }), herding({ perLabel: 4 })];
      for (const one of [memory, again]) await one.remember(model, examples, { head });
      expect(memory.state()).toEqual(again.state());

      const orders = examples.filter(({ label }) => label === 'order').map(({ text }) => text);
      const vectors = new Map<string, number[]>();
      for (const text of orders) {
        const [tokens] = await model.tokenizer.encode([text], { maxLength: 32 });
        const [ids, shape]: [number[], [number, number]] = [[...tokens!.ids], [1, tokens!.ids.length]];
        const pooled = tf.tidy(() => model.forward({ ids: tf.tensor2d(ids, shape, 'int32'), mask: tf.ones(shape) }).pooled);
        vectors.set(text, unit([...(await pooled.data())]));
        pooled.dispose();
      }
      const meanOf = (texts: readonly string[]) =>
        Array.from({ length: model.hiddenSize }, (_, h) =>
          texts.reduce((sum, text) => sum + vectors.get(text)![h]! / texts.length, 0),
        );
      const all = meanOf(orders);
      const distance = (texts: readonly string[]) => Math.hypot(...meanOf(texts).map((value, h) => value - all[h]!));
      const picked = memory.state().labels[0]!.examples.map(({ text }) => text);
      expect(picked).toHaveLength(4);
      const blind = [0, 4, 8, 12, 16].map((from) => distance(orders.slice(from, from + 4)));
      expect(distance(picked)).toBeLessThan(0.5 * Math.min(...blind));
    },
  );
});
