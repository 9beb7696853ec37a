import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { methods } from '../../bench/fewshot/methods';
import { fewShotOptions } from '../../bench/fewshot/options';
import { protocolOf, rowsOf, unlabelledRows, wantedRuns } from '../../bench/fewshot/protocol';
import { appendRun, gain, isFinished, readRuns, shown, summaries, type RunKey, type RunLine } from '../../bench/fewshot/results';
import { afterMaskedLm, afterSimcse, inferenceModel } from '../../bench/fewshot/stages';
import { tasks, type Meaning } from '../../bench/fewshot/tasks';
import { loadModel, useEngine, type Example } from '../../src';
import { pattern, verbalizer } from '../../src/prompting';
import { writeTinyCheckpoint } from '../package/tinyCheckpoint';
import { describeShared } from '../support/shared';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-fewshot-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string) => path.join(folder, name);

const keyOf = (method: string, seed: number, task = 'sst2'): RunKey => ({ protocol: '1/a', task, method, seed });
const line = (method: string, seed: number, accuracy: number, task?: string): RunLine => ({
  ...keyOf(method, seed, task),
  accuracy,
  seconds: 10 * seed,
  engine: 'onnxruntime, 1 thread',
});

test('what was appended is finished, for its protocol, task, method and seed alone; a torn line is no run', () => {
  const file = inFolder('new/runs.jsonl');
  expect(readRuns(file)).toEqual([]);
  appendRun(file, line('setfit', 13, 0.7));
  appendFileSync(file, '{"protocol":"1/a","ta');
  appendRun(file, line('setfit', 21, 0.6));
  appendRun(file, line('setfit', 21, 0.5));
  const runs = readRuns(file);
  expect(runs).toEqual([line('setfit', 13, 0.7), line('setfit', 21, 0.5)]);
  expect(isFinished(keyOf('setfit', 13), runs)).toBe(true);
  const others: Partial<RunKey>[] = [{ protocol: '2/a' }, { task: 'trec' }, { method: 'pet' }, { seed: 42 }];
  for (const other of others) expect(isFinished({ ...keyOf('setfit', 13), ...other }, runs)).toBe(false);
});

test('the table has mean and sample deviation over the seeds that are there, as asked', () => {
  const setFit = [line('setfit', 1, 0.6), line('setfit', 2, 0.7), line('setfit', 3, 0.8)];
  const plain = [line('fine-tuning', 1, 0.6), line('fine-tuning', 1, 0.9, 'trec'), line('pet', 1, 0.5)];
  const wanted = ['sst2', 'trec'].flatMap((task) =>
    ['fine-tuning', 'setfit'].flatMap((method) => [1, 2, 3].map((seed) => keyOf(method, seed, task))),
  );
  const rows = summaries(wanted, [...setFit, ...plain]);
  expect(rows).toEqual([
    { task: 'sst2', method: 'fine-tuning', mean: 0.6, std: null, seeds: [1], seconds: 10 },
    { task: 'sst2', method: 'setfit', mean: 0.7, std: 0.1, seeds: [1, 2, 3], seconds: 20 },
    { task: 'trec', method: 'fine-tuning', mean: 0.9, std: null, seeds: [1], seconds: 10 },
  ]);
  expect(shown(rows[1]!)).toMatchObject({ accuracy: '.700 ± .100', seeds: '1 2 3' });
  // TREC has only one of the two.
  expect(gain(rows, 'setfit', 'fine-tuning')).toBe(0.1);
  expect(gain(rows, 'setfit', 'pet')).toBeNull();
});

describe('what the command line asks for', () => {
  test('everything by default, three splits; the small form has a file of its own', () => {
    const all = { tasks: Object.keys(tasks), methods: Object.keys(methods), seeds: [13, 21, 42], nliEpochs: 2 };
    expect(fewShotOptions([])).toMatchObject(all);
    expect(fewShotOptions([]).out).not.toBe(fewShotOptions(['--small']).out);
  });

  test.each([
    [['--methods', 'magic'], /^--methods: 'magic' is none of linear-probe, /],
    [['--tasks', 'mnli'], /^--tasks: 'mnli' is none of sst2, trec, rte, eprstmt$/],
    [['--seeds', '13,14'], /^--seeds: '14' is none of 13, 21, 42, 87, 100$/],
    [['--nli-epochs', '0'], /^--nli-epochs must be whole numbers ≥ 1, got '0'$/],
  ])('refuses %j', (args, message) => {
    expect(() => fewShotOptions(args)).toThrow(message);
  });

  test('model, inference stage and size are the protocol; what learns from no rows runs once', () => {
    const asked = ['--tasks', 'sst2,eprstmt', '--methods', 'efl-zero,pet', '--seeds', '13,21', '--nli-epochs', '3'];
    const runs = wantedRuns(fewShotOptions(asked));
    expect(runs.map(({ protocol, task, method, seed }) => [protocol, task, method, seed].join(' '))).toEqual([
      '1/minilm-en/nli-3 sst2 efl-zero 13',
      '1/minilm-en-mlm sst2 pet 13',
      '1/e5-multilingual/nli-3 eprstmt efl-zero 13',
      '1/holdfast-small eprstmt pet 13',
      '1/minilm-en-mlm sst2 pet 21',
      '1/holdfast-small eprstmt pet 21',
    ]);
    const unlabelled = wantedRuns(fewShotOptions(['--methods', 'ipet,mlm-pet,simcse-linear-probe', '--seeds', '13']));
    expect(unlabelled.map(({ protocol, task }) => `${protocol} ${task}`)).toEqual([
      '1/holdfast-small eprstmt',
      '1/holdfast-small eprstmt',
      '1/e5-multilingual eprstmt',
    ]);
    expect(wantedRuns(fewShotOptions([...asked, '--small']))[0]!.protocol).toBe('1-small/minilm-en/nli-3');
  });
});

describeShared(['data/sst2-kshot', 'data/trec-kshot', 'data/rte-kshot', 'data/eprstmt'], 'the rows of the tasks', () => {
  test.each(Object.entries(tasks))('%s: the words and descriptions are of its labels', async (name, task) => {
    const all = {
      settings: { epochs: 1, eflEpochs: 1, batchSize: 16 },
      rows: Infinity,
      test: Infinity,
      inference: 0,
      unlabelled: 3,
      stage: 3,
    };
    const { train, dev, test } = await rowsOf(task, methods['linear-probe']!, 21, all);
    const labels = [...new Set(train.map(({ label }) => label))].sort();
    expect([...new Set(test.map(({ label }) => label))].sort()).toEqual(labels);
    expect([...task.cloze.verbalizer.labels].sort()).toEqual(labels);
    if (task.descriptions) expect(Object.keys(task.descriptions).sort()).toEqual(labels);
    expect([train.length, dev.length]).toEqual([16 * labels.length, 16 * labels.length]);
    expect(train.every(({ text }) => text.startsWith(task.prefix ?? ''))).toBe(true);
    if (task.unlabelled !== undefined) {
      const { unlabelled } = await rowsOf(task, { model: 'encoder', unlabelled: true }, 21, all);
      expect(unlabelled).toHaveLength(3);
      const [first] = await unlabelledRows(task, 'after-simcse', protocolOf({ small: true }).stage);
      expect(first!.text.startsWith(task.prefix ?? '')).toBe(true);
    }
    expect(test.length).toBe({ sst2: 872, trec: 500, rte: 277, eprstmt: 610 }[name]);
  });
});

describe('every method on a random model', () => {
  const rows = ['bill', 'money'].flatMap((label) => [1, 2].map((i): Example => ({ text: `${label} ${i}`, label })));
  const inference = ['entailment', 'neutral'].map((label): Example => ({ text: 'a b', pair: 'a', label }));
  const task: Meaning = {
    setFitPairs: 1,
    cloze: { pattern: pattern('{text} {mask}'), verbalizer: verbalizer({ bill: 'bill', money: 'money' }) },
    patterns: [pattern('{mask} {text}')],
    descriptions: { bill: 'a bill', money: 'some money' },
  };
  const given = {
    task,
    train: rows,
    dev: rows,
    test: rows,
    unlabelled: rows,
    seed: 1,
    settings: { epochs: 1, eflEpochs: 1, batchSize: 4 },
  };
  const run = () => ({ ...given, encoder: folders.encoder });
  const stage = (learned = inference) => ({ rows: learned, epochs: 1, cache: inFolder('stages') });
  const folders = { encoder: '', masked: '', inference: '', 'after-mlm': '', 'after-simcse': '' };

  beforeAll(async () => {
    await useEngine({ threads: 1 });
    folders.encoder = inFolder('tiny');
    writeTinyCheckpoint(folders.encoder);
    folders.masked = inFolder('tiny-mlm');
    writeTinyCheckpoint(folders.masked, { masked: true });
    folders.inference = await inferenceModel(folders.encoder, stage());
    folders['after-mlm'] = await afterMaskedLm(folders.masked, stage(rows));
    folders['after-simcse'] = await afterSimcse(folders.encoder, stage(rows));
  });

  test('a stage is trained once', async () => {
    await using model = await loadModel(folders.inference);
    expect(model.head('entailment').labels).toEqual(['entailment', 'not_entailment']);
    // Would fail if it were trained again: there is no such model.
    expect(await inferenceModel(inFolder('gone/tiny'), stage())).toBe(folders.inference);
  });

  test.each(Object.entries(methods))('%s gives a share of the test rows', async (_, method) => {
    expect([0, 0.25, 0.5, 0.75, 1]).toContain(await method.accuracy({ ...run(), model: folders[method.model] }));
  });

  test.each(['efl-zero', 'efl', 'setfit'])('%s takes pairs', async (name) => {
    const { model, accuracy } = methods[name]!;
    const labelled = inference.map((row, i) => ({ ...row, label: i ? 'not_entailment' : 'entailment' }));
    const { descriptions: _none, ...pairs } = task;
    expect([0, 0.5, 1]).toContain(
      await accuracy({ ...run(), model: folders[model], task: pairs, train: labelled, test: labelled }),
    );
  });
});
