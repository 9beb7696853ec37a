import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placesIn, startAfresh, type Recipe } from '../../pretraining/training/recipe';
import { pretrain } from '../../pretraining/training/pretrain';
import { WIDTH } from '../../pretraining/training/teachers';
import { writeTinyCheckpoint } from '../package/tinyCheckpoint';

/** Eight steps of the first phase and twelve of the second. */
const recipe: Recipe = {
  seed: 3,
  mlmSteps: 8,
  distillationSteps: 12,
  mlmRate: 1e-2,
  distillationRate: 1e-2,
  length: 24,
  mlmRows: 4,
  distillationRows: 4,
  mlmEvery: 3,
};
const words = 'where is my invoice please send the second order again to our new address'.split(' ');
const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-pretraining-'));

beforeAll(async () => {
  await tf.setBackend('cpu');
  const texts = words.map((word, i) => `${word} ${words[(i * 5 + 3) % words.length]}`);
  const write = (name: string, rows: readonly object[]) =>
    writeFileSync(path.join(folder, name), rows.map((row) => JSON.stringify(row)).join('\n'));
  write(
    'plain.jsonl',
    texts.map((text, i) => ({ lang: i % 2 ? 'en' : 'de', text, source: 'test' })),
  );
  write(
    'parallel.jsonl',
    texts.map((en, i) => ({ en, de: texts[(i + 1) % texts.length], source: i % 3 ? 'test' : 'dictionary' })),
  );
  write(
    'sentences.jsonl',
    texts.map((text, i) => ({ lang: i < 9 ? 'en' : 'de', text })),
  );
  const values = Float32Array.from({ length: texts.length * WIDTH }, (_, i) => Math.sin(i * i));
  writeFileSync(path.join(folder, 'e5.f32'), values);
  writeFileSync(path.join(folder, 'minilm.f32'), values.fill(0, 9 * WIDTH));
  writeTinyCheckpoint(path.join(folder, 'init'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const options = { folder, recipe, checkpointEvery: 5, logEvery: 2 };

/** A run that is stopped after so many steps, counted over both phases. */
async function stoppedAfter(steps: number): Promise<unknown> {
  const stop = new AbortController();
  let taken = 0;
  const onLine = () => {
    taken++;
    if (taken === steps) stop.abort();
  };
  return pretrain({ ...options, logEvery: 1, signal: stop.signal, onLine }).catch((error: unknown) => error);
}

const logged = (): string[] =>
  readFileSync(placesIn(folder).log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { phase, step } = JSON.parse(line) as { phase: string; step: number };
      return `${phase} ${step}`;
    });

describe('twenty steps', () => {
  let whole: string;
  beforeAll(async () => {
    whole = await pretrain(options);
  });

  test('leave a model without the projections, and the one after the first phase', () => {
    for (const place of [placesIn(folder).mlm, placesIn(folder).model]) {
      const header = readFileSync(path.join(place, 'model.safetensors')).toString('latin1');
      expect(header).toContain('word_embeddings');
      expect(header).not.toContain('projections');
    }
  });

  test('the log has a line for every second step', () => {
    const steps = (phase: string, count: number) => Array.from({ length: count / 2 }, (_, i) => `${phase} ${2 * i + 2}`);
    expect(logged()).toEqual([...steps('mlm', 8), ...steps('distillation', 12)]);
  });

  for (const [when, steps] of [
    ['in the first phase', 3],
    ['in the second phase', 10],
    ['at the end of the first phase', 8],
  ] as const) {
    test(`are the same bits when stopped ${when}, after ${steps}`, async () => {
      startAfresh(folder);
      expect(await stoppedAfter(steps)).toMatchObject({ code: 'aborted' });
      expect(await pretrain(options)).toBe(whole);
    });
  }

  test('are the same bits after a crash behind a checkpoint', async () => {
    startAfresh(folder);
    const onLine = ({ phase, step }: { phase: string; step: number }) => {
      if (phase === 'distillation' && step === 7) throw new Error('crash');
    };
    await expect(pretrain({ ...options, logEvery: 1, onLine })).rejects.toThrow('crash');
    expect(logged()).toContain('distillation 7');
    expect(await pretrain(options)).toBe(whole);
    expect(logged().filter((line) => line === 'distillation 6')).toHaveLength(1);
  });

  test('taken as `steps` are the same bits and leave nothing', async () => {
    startAfresh(folder);
    expect(await pretrain({ ...options, steps: 20 })).toBe(whole);
    expect(() => readFileSync(placesIn(folder).log)).toThrow('ENOENT');
  });

  test('that are finished are not taken again, nor passed off as those of another recipe', async () => {
    startAfresh(folder);
    await pretrain(options);
    await expect(pretrain(options)).rejects.toThrow(/finished model.*--fresh/);
    await expect(pretrain({ ...options, recipe: { ...recipe, mlmSteps: 9 } })).rejects.toThrow(/other arguments.*--fresh/);
  });

  test('of another recipe do not go on with this one', async () => {
    startAfresh(folder);
    await stoppedAfter(2);
    await expect(pretrain({ ...options, recipe: { ...recipe, seed: 4 } })).rejects.toThrow('--fresh');
  });
});
