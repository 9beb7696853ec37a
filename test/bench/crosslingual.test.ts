import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRuns, shown, summaries, type RunLine } from '../../bench/crosslingual/results';
import { choice } from '../../bench/crosslingual/methods';
import { languages, trainRows, setups } from '../../bench/crosslingual/setups';
import { setupOptions, type SetupKey } from '../../bench/support/setupRuns';
import { describeShared } from '../support/shared';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-crosslingual-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keyOf = (method: string, seed: number): SetupKey => ({ protocol: '1/a', setup: 'e5', method, seed });
const line = (method: string, seed: number, others: number): RunLine => ({
  ...keyOf(method, seed),
  accuracy: { eng: 0.9, deu: others, spa: others, fra: others, zho_Hans: others - 0.04, swh: 0.1, hin: 0.1, tur: 0.1 },
  seconds: 10 * seed,
  engine: 'onnxruntime, 1 thread',
});

test('the mean is of the languages with a dictionary, the gain over plain training with the same seed', () => {
  const runs = [line('plain', 1, 0.5), line('plain', 2, 0.7), line('consistency', 1, 0.6), line('consistency', 2, 0.7)];
  const wanted = ['consistency', 'plain', 'pooled'].flatMap((method) => [1, 2, 3].map((seed) => keyOf(method, seed)));
  const [consistency, plain, ...more] = summaries(wanted, runs);
  expect(more).toEqual([]);
  expect(consistency).toMatchObject({ mean: { mean: 0.64, std: 0.0707 }, gain: { mean: 0.05, std: 0.0707 }, seeds: [1, 2] });
  expect(plain).toMatchObject({ mean: { mean: 0.59 }, gain: null, seconds: 15 });
  expect(shown(consistency!)).toMatchObject({ deu: '.650', 'de es fr zh': '.640 ± .071', gain: '.050 ± .071', seeds: 2 });
});

describe('the command line', () => {
  test('takes what is there, and each seed once', () => {
    expect(setupOptions(['--seeds', '2,1,2'], { ...choice, usual: ['e5', 'small'] })).toMatchObject({
      seeds: [2, 1],
      setups: ['e5', 'small'],
    });
    expect(setupOptions(['--small'], choice)).toMatchObject({
      setups: ['small-16'],
      out: expect.stringContaining('runs/'),
    });
  });
  test.each([
    [['--setups', 'large'], /^--setups: 'large' is none of e5, /],
    [['--methods', 'magic'], /^--methods: 'magic' is none of plain, /],
    [['--seeds', '1.5'], /^--seeds must be whole numbers/],
  ])('refuses %j', (args, message) => {
    expect(() => setupOptions(args, choice)).toThrow(message);
  });
});

describeShared(['data/sib200', 'data/dictionaries'], 'on SIB-200', () => {
  test('16 rows of each topic, others for another seed, the same for the same', async () => {
    const [first, again, other] = await Promise.all([1, 1, 2].map((seed) => trainRows(setups['small-16']!, seed)));
    expect(first).toHaveLength(7 * 16);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('in its small form: runs, and does not run again', { timeout: 120_000 }, () => {
    const out = path.join(folder, 'runs.jsonl');
    const args = [
      '--import',
      'tsx',
      'bench/crosslingual.ts',
      '--small',
      '--seeds',
      '1',
      '--methods',
      'plain,teacher',
      '--out',
      out,
    ];
    const run = () => spawnSync(process.execPath, [...args, '--threads', '1', '--json'], { encoding: 'utf8' });
    expect(run().status).toBe(0);
    const lines = readRuns(out);
    expect(lines.map(({ method }) => method)).toEqual(['plain', 'teacher']);
    for (const { accuracy } of lines) expect(Object.keys(accuracy)).toEqual([...languages]);
    const { stdout } = run();
    expect(readRuns(out)).toEqual(lines);
    const { rows } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { rows: { method: string }[] };
    expect(rows.map(({ method }) => method)).toEqual(['plain', 'teacher']);
  });
});
