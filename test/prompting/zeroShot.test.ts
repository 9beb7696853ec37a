import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadModel } from '../../src/model';
import { clozeScores } from '../../src/prompting/clozeScores';
import { pattern } from '../../src/prompting/pattern';
import { verbalizer } from '../../src/prompting/verbalizer';
import { describeShared, sharedPath } from '../support/shared';

// On the engine that loadModel chooses: the plain one takes minutes for 400 rows.
describeShared(['models/minilm-en-mlm', 'data/sst2-kshot'], 'SST-2 without any training', () => {
  test('400 rows: .585, calibrated .637, as PyTorch measured', { timeout: 300_000 }, async () => {
    const lines = readFileSync(sharedPath('data', 'sst2-kshot', 'test.jsonl'), 'utf8')
      .split('\n')
      .slice(0, 400);
    const rows = lines.map((line) => JSON.parse(line) as { text: string; label: string });
    const mlm = await loadModel(sharedPath('models', 'minilm-en-mlm'));
    const words = verbalizer({ positive: ['great', 'good'], negative: ['terrible', 'bad'] });
    const task = { pattern: pattern('{text} It was {mask}.'), verbalizer: words };
    const [empty, ...scores] = await clozeScores(mlm, task, [{ text: '' }, ...rows], { batchSize: 32, maxLength: 128 });
    mlm.dispose();
    const accuracy = (margin: number) =>
      rows.filter(({ label }, i) => words.labels[scores[i]![0]! - scores[i]![1]! > margin ? 0 : 1] === label).length /
      rows.length;
    expect(accuracy(0)).toBeCloseTo(0.585, 2);
    expect(accuracy(empty![0]! - empty![1]!)).toBeCloseTo(0.637, 2);
  });
});
