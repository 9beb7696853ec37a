import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { methods } from '../../bench/sequential/methods';
import { sequentialOptions } from '../../bench/sequential/options';
import { streamOf } from '../../bench/sequential/protocol';
import { appendRun, isFinished, readRuns, shown, summaries, type RunKey, type RunLine } from '../../bench/sequential/results';
import { intentTasks } from '../../examples/support/intents';
import { writeTinyCheckpoint } from '../package/tinyCheckpoint';
import { runScript } from '../support/runScript';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-sequential-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string) => path.join(folder, name);

const keyOf = (method: string, seed: number): RunKey => ({ protocol: '1/a/b', setting: 'til', method, seed });
const line = (method: string, seed: number, final: number, forgetting: number | null = 0.1): RunLine => ({
  ...keyOf(method, seed),
  final,
  learn: 0.9,
  bwt: -0.1,
  forgetting,
  matrix: [[0.9], [0.8, 0.9]],
  seconds: 60,
  engine: 'onnxruntime, 1 thread',
});

describe('the file of finished runs', () => {
  test('what was appended is finished, for its protocol, setting, method and seed alone', () => {
    const file = inFolder('new/runs.jsonl');
    expect(readRuns(file)).toEqual([]);
    appendRun(file, line('naive', 1, 0.7));
    const runs = readRuns(file);
    expect(runs).toEqual([line('naive', 1, 0.7)]);
    expect(isFinished(keyOf('naive', 1), runs)).toBe(true);
    const others: Partial<RunKey>[] = [{ protocol: '2/a/b' }, { setting: 'cil' }, { method: 'ewc-1e4' }, { seed: 2 }];
    for (const other of others) expect(isFinished({ ...keyOf('naive', 1), ...other }, runs)).toBe(false);
  });

  test('a line that was cut off is no run and spoils no other one; of two with one key the last counts', () => {
    const file = inFolder('torn.jsonl');
    appendRun(file, line('naive', 1, 0.7));
    appendFileSync(file, '{"protocol":"1/a/b","set');
    appendRun(file, line('naive', 2, 0.6));
    appendRun(file, line('naive', 2, 0.5));
    expect(readRuns(file).map(({ seed, final }) => [seed, final])).toEqual([
      [1, 0.7],
      [2, 0.5],
    ]);
  });
});

test('the table has mean and sample deviation over the seeds that are there, as asked', () => {
  const joint = { ...line('joint', 1, 0.93, null), learn: null, bwt: null, matrix: null };
  const runs = [line('naive', 1, 0.6, 0.2), line('naive', 2, 0.7, 0.4), line('naive', 3, 0.8, 0.3), joint, line('si', 1, 0.5)];
  const wanted = ['joint', 'naive', 'gem'].flatMap((method) => [1, 2, 3].map((seed) => keyOf(method, seed)));
  const rows = summaries(wanted, runs);
  expect(rows.map(({ method }) => method)).toEqual(['joint', 'naive']);
  expect(rows[0]).toMatchObject({ final: { mean: 0.93, std: null }, forgetting: null, seeds: [1] });
  expect(rows[1]).toMatchObject({ final: { mean: 0.7, std: 0.1 }, forgetting: { mean: 0.3, std: 0.1 }, seeds: [1, 2, 3] });
  expect(shown(rows[1]!)).toMatchObject({ final: '.700 ± .100', BWT: '-.100 ± .000', seeds: '1 2 3' });
  expect(shown(rows[0]!)).toMatchObject({ final: '.930', BWT: null });
});

describe('what the command line asks for', () => {
  test('all methods, both settings and three seeds by default; the small form has a file of its own', () => {
    expect(sequentialOptions([])).toMatchObject({ settings: ['til', 'cil'], methods: Object.keys(methods), seeds: [1, 2, 3] });
    expect(sequentialOptions([]).out).not.toBe(sequentialOptions(['--small']).out);
  });

  test.each([
    [['--methods', 'magic'], /^--methods: 'magic' is none of naive, /],
    [['--settings', 'til,dil'], /^--settings: 'dil' is none of til, cil$/],
    [['--seeds', '1,x'], /^--seeds must be whole numbers ≥ 0, got 'x'$/],
    [['--threads', '0'], /^--threads must be whole numbers ≥ 1, got '0'$/],
  ])('refuses %j', (args, message) => {
    expect(() => sequentialOptions(args)).toThrow(message);
  });

  test('another stream or model is another protocol', () => {
    expect(streamOf({}).protocol).toBe('1/clinc150/minilm-en');
    expect(streamOf({ small: true }).protocol).toBe('1-small/support/holdfast-small');
    const own = streamOf({ data: 'mine/tickets.jsonl', model: 'some/encoder/' });
    expect(own.protocol).toBe('1/tickets/encoder');
    expect(own.files).toEqual({ train: 'mine/tickets.jsonl', test: path.join('mine', 'test.jsonl') });
  });
});

describe('bench/sequential.ts on a random model and rows of its own', () => {
  const rows = ['billing', 'shipping'].flatMap((task) =>
    ['late', 'wrong'].flatMap((label) =>
      [1, 2].map((i) => JSON.stringify({ text: `${label} ${task} ${i}`, label: `${task}_${label}`, task })),
    ),
  );
  beforeAll(() => {
    for (const name of ['rows.jsonl', 'test.jsonl']) writeFileSync(inFolder(name), `${rows.join('\n')}\n`);
    writeTinyCheckpoint(folder);
  });

  async function bench(...args: string[]) {
    const own = ['--data', inFolder('rows.jsonl'), '--model', folder, '--out', inFolder('out.jsonl'), '--json', '--threads', '1'];
    const { code, out, err } = await runScript('bench/sequential.ts', ...own, ...args);
    expect(code, err).toBe(0);
    return { json: JSON.parse(out.trim().split('\n').at(-1)!), stderr: err };
  }

  test('any JSONL with a task field is a stream', async () => {
    const [billing, ...others] = await intentTasks(streamOf({ data: inFolder('rows.jsonl') }).files, { perIntent: 1, seed: 1 });
    expect(billing).toMatchObject({ name: 'billing', labels: ['billing_late', 'billing_wrong'] });
    expect([billing!.train.length, billing!.test.length, others.length]).toEqual([2, 4, 1]);
  });

  test('runs every method once, and never again', { timeout: 300_000 }, async () => {
    const first = await bench('--seeds', '1', '--settings', 'til');
    expect(first.json).toMatchObject({ bench: 'sequential', value: expect.any(Number) });
    expect(first.json.rows.map(({ method }: RunKey) => method)).toEqual(Object.keys(methods));
    const lines = readFileSync(inFolder('out.jsonl'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(Object.keys(methods).length);
    for (const each of readRuns(inFolder('out.jsonl')))
      expect(each.matrix?.map((row) => row.length) ?? each.method).toEqual(each.method === 'joint' ? 'joint' : [1, 2]);

    const again = await bench('--seeds', '1,2', '--settings', 'til', '--methods', 'naive,replay');
    expect(again.stderr.match(/seed \d/g)).toEqual(['seed 2', 'seed 2']);
    expect(again.json.rows.map(({ seeds }: { seeds: number[] }) => seeds)).toEqual([
      [1, 2],
      [1, 2],
    ]);
    expect(
      readRuns(inFolder('out.jsonl'))
        .slice(0, lines.length)
        .map((run) => JSON.stringify(run)),
    ).toEqual(lines);
    expect(existsSync(inFolder('out.jsonl'))).toBe(true);
  });
});
