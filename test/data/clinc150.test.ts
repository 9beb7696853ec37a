import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { batches, disposeBatch, readJsonl, split, type Example } from '../../src/data';
import { sharedTokenizer } from '../tokenizer/sources';
import { describeShared, sharedPath } from '../support/shared';
import { headOf, wordModel } from './words';

beforeAll(() => tf.setBackend('cpu'));

describeShared(['data/clinc150', 'models/minilm-en'], 'CLINC150 with the tokenizer of MiniLM', () => {
  const train = readJsonl(sharedPath('data', 'clinc150', 'train.jsonl'));
  const read = async (): Promise<Example[]> => {
    const rows: Example[] = [];
    for await (const row of train) rows.push(row);
    return rows;
  };
  const setUp = async () => {
    const rows = await read();
    const head = headOf('intents', [...new Set(rows.map(({ label }) => label!))]);
    return { rows, head, model: { ...wordModel([head], 512), tokenizer: await sharedTokenizer('minilm-en') } };
  };

  test('an epoch: each row once, hardly any padding', async () => {
    const { rows, head, model } = await setUp();
    const open = async (shuffle: boolean) => {
      let [tokens, places, count] = [0, 0, 0];
      const seen = new Set<unknown>();
      let wrong = 0;
      for await (const batch of batches(rows, { head, shuffle }).open({ model, seed: 1, epoch: 0 })) {
        tokens += [...(await batch.inputs.mask.data())].filter((one) => one === 1).length;
        places += batch.inputs.ids.size;
        count++;
        const labels = await batch.labels.data();
        batch.examples.forEach((example, b) => {
          if (head.columnOf((example as Example).label!) !== labels[b]) wrong++;
          seen.add(example);
        });
        disposeBatch(batch);
      }
      return { count, wrong, seen: seen.size, padding: 1 - tokens / places };
    };
    const sorted = await open(true);
    expect(sorted).toMatchObject({ count: 469, wrong: 0, seen: 15_000 });
    expect(sorted.padding).toBeLessThan(0.04);
    expect((await open(false)).padding).toBeGreaterThan(0.25); // As the rows stand in the file, grouped by label.
  });

  test('straight from the file, balanced, twice the same', async () => {
    const { head, model } = await setUp();
    const banking = readJsonl(sharedPath('data', 'clinc150', 'train.jsonl'), { where: ({ domain }) => domain === 'banking' });
    const run = async () => {
      const ids: number[] = [];
      for await (const batch of batches(banking, { head, balanced: true, batchSize: 100 }).open({ model, seed: 3, epoch: 2 })) {
        ids.push(...(await batch.inputs.ids.data()));
        disposeBatch(batch);
      }
      return ids;
    };
    const first = await run();
    expect(await run()).toEqual(first);
  });

  test('a stratified split', async () => {
    const { rest, held } = split(await read(), { share: 0.1, seed: 1 });
    expect([rest.length, held.length]).toEqual([13_500, 1_500]);
    const counts = new Map<string, number>();
    for (const { label } of held) counts.set(label!, (counts.get(label!) ?? 0) + 1);
    expect(new Set(counts.values())).toEqual(new Set([10]));
  });
});
