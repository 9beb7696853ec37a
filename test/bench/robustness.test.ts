import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRuns, shown, summaries, type RunLine } from '../../bench/robustness/results';
import { robustnessOptions, rowsOf, setups } from '../../bench/robustness/setups';
import type { SetupKey } from '../../bench/support/setupRuns';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-robustness-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const keyOf = (method: string, seed: number): SetupKey => ({ protocol: '1', setup: 'support', method, seed });
const line = (method: string, seed: number, clean: number): RunLine => ({
  ...keyOf(method, seed),
  clean,
  kinds: { typos: clean - 0.2, drops: clean - 0.1 },
  seconds: 10 * seed,
  engine: 'onnxruntime, 1 thread',
});

test('one row for each method that has runs; the mean drop is over the kinds', () => {
  const wanted = ['fgm', 'plain', 'awp'].flatMap((method) => [1, 2].map((seed) => keyOf(method, seed)));
  const rows = summaries(wanted, [line('plain', 1, 0.8), line('plain', 2, 0.9), line('fgm', 2, 0.7)]);
  expect(rows.map(({ method, seeds }) => [method, seeds])).toEqual([
    ['fgm', [2]],
    ['plain', [1, 2]],
  ]);
  expect(rows[1]).toMatchObject({ clean: { mean: 0.85, std: 0.0707 }, meanDrop: { mean: 0.15, std: 0 }, seconds: 15 });
  expect(shown(rows[1]!)).toMatchObject({ clean: '.850 ± .071', typos: '.650', drops: '.750', 'mean drop': '.150 ± .000' });
});

test.each([
  [['--setups', 'large'], /^--setups: 'large' is none of support, clinc150$/],
  [['--methods', 'magic'], /^--methods: 'magic' is none of plain, /],
  [['--rounds', '1.5'], /^--rounds must be whole numbers ≥ 0/],
])('refuses %j', (args, message) => {
  expect(() => robustnessOptions(args)).toThrow(message);
});

test('rows of all groups, as many of each intent as the setup says', async () => {
  const { labels, train, test: asked } = await rowsOf({ ...setups['support']!, perIntent: 3, testPerIntent: 2 }, 1);
  expect(labels).toHaveLength(25);
  expect(train).toHaveLength(75);
  expect(asked).toHaveLength(50);
});

describe('in its small form', () => {
  test('runs, and does not run again', { timeout: 120_000 }, () => {
    const out = path.join(folder, 'runs.jsonl');
    const args = ['--import', 'tsx', 'bench/robustness.ts', '--small', '--seeds', '1', '--methods', 'plain,fgm', '--out', out];
    const run = (...more: string[]) =>
      spawnSync(process.execPath, [...args, '--threads', '1', '--json', ...more], { encoding: 'utf8' });
    const { stdout } = run();
    const lines = readRuns(out);
    expect(lines.map(({ method }) => method)).toEqual(['plain', 'fgm']);
    for (const { kinds } of lines) expect(Object.keys(kinds)).toEqual(['typos', 'swaps', 'drops', 'capitals', 'code-switched']);
    const { value, rows } = JSON.parse(stdout.trim().split('\n').at(-1)!) as { value: number; rows: object[] };
    expect(value).toBeGreaterThan(0);
    expect(rows).toHaveLength(4);
    run('--rounds', '0');
    expect(readRuns(out)).toEqual(lines);
  });
});
