import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packed, readRuns, shown, summaries, unpacked, type RunLine } from '../../bench/crosslingual/results';
import { choice } from '../../bench/crosslingual/methods';
import { trainRows, setups, testRows } from '../../bench/crosslingual/setups';
import { languages } from '../../bench/crosslingual/tasks';
import { setupOptions, type SetupKey } from '../../bench/support/setupRuns';
import { describeShared } from '../support/shared';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-crosslingual-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keyOf = (method: string, seed: number): SetupKey => ({ protocol: '1/a', setup: 'e5', method, seed });
/** The first rows right, of ten in each language. */
const line = (method: string, seed: number, right: number): RunLine => ({
  ...keyOf(method, seed),
  accuracy: Object.fromEntries(languages.map((language) => [language, language === 'eng' ? 0.9 : right / 10])),
  right: Object.fromEntries(languages.map((language) => [language, packed(Array.from({ length: 10 }, (_, row) => row < right))])),
  seconds: 10 * seed,
  engine: 'onnxruntime, 1 thread',
});

test('rows that were right come back as they were packed', () => {
  const right = [true, false, false, true, true, false];
  expect(packed(right)).toBe('6:98');
  expect(unpacked('6:98')).toEqual(right.map(Number));
});

test('the mean is of the languages with a dictionary, the gain over plain training with the same seed', () => {
  const runs = [line('plain', 1, 5), line('plain', 2, 7), line('consistency', 1, 6), line('consistency', 2, 7)];
  const wanted = ['consistency', 'plain', 'pooled'].flatMap((method) => [1, 2, 3].map((seed) => keyOf(method, seed)));
  const [consistency, plain, ...more] = summaries(wanted, runs);
  expect(more).toEqual([]);
  expect(consistency).toMatchObject({ mean: { mean: 0.65, std: 0.0707 }, gain: { mean: 0.05 }, seeds: [1, 2] });
  expect(plain).toMatchObject({ mean: { mean: 0.6 }, gain: null, seconds: 15 });
  expect(shown(consistency!)).toMatchObject({ deu: '.650', mean: '.650 ± .071', gain: '.050', seeds: 2 });
});

test('the interval knows both the seeds and the rows: none where nothing differs, around the gain where one row does', () => {
  const wanted = ['plain', 'consistency'].flatMap((method) => [1, 2].map((seed) => keyOf(method, seed)));
  const intervalOf = (...right: readonly [number, number, number, number]) => {
    const [a, b, c, d] = right;
    const runs = [line('plain', 1, a), line('plain', 2, b), line('consistency', 1, c), line('consistency', 2, d)];
    return summaries(wanted, runs)[1]!.gain!.interval;
  };
  expect(intervalOf(5, 7, 5, 7)).toEqual([0, 0]);
  // Of ten rows one differs: it is drawn 0 times in 35 % of the rounds, and more than 3 times in 1 %.
  expect(intervalOf(5, 6, 6, 7)).toEqual([0, 0.3]);
  // The rows say nothing where all of them differ; the seeds do where one of the two has the gain.
  expect(intervalOf(0, 0, 10, 0)).toEqual([0, 1]);
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

describeShared(['data/sib200', 'data/dictionaries', 'data/nli-9k', 'data/ocnli'], 'on real rows', () => {
  test('16 rows of each topic, others for another seed, the same for the same', async () => {
    const [first, again, other] = await Promise.all([1, 1, 2].map((seed) => trainRows(setups['small-16']!, seed)));
    expect(first).toHaveLength(7 * 16);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test('of pairs, a test in each language', async () => {
    const rows = await trainRows(setups['small-pairs']!, 1);
    expect(rows).toHaveLength(3000);
    expect(await testRows(setups['e5-pairs']!, 2)).toMatchObject([
      ['eng', [{ text: 'query: Salt kept the town fed.', pair: 'Salt kept the town thriving.' }, {}]],
      ['zho_Hans', [{ text: expect.stringContaining('query: '), pair: '你没给我打过' }, {}]],
    ]);
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
