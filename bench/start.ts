// From import to the first prediction with MiniLM from disk, in fresh processes; the files are in the system's cache. With holdfast-small as well, where it is.
//   npm run bench -- start [--json] [--rounds 7] [--threads N]
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { folder as small } from 'holdfast-small';
import { bundled } from './support/bundle';
import { miniLm, requireShared } from './support/clinc';
import { benchOptions } from './support/options';
import { printReport, type Row } from './support/report';
import { median, rounded } from './support/stats';
import { peerFile, python, pythonEnv } from './support/torch';

const options = benchOptions({ rounds: 7 });
requireShared('start', miniLm);

/** Milliseconds; `process` is the whole life of the process. */
type Start = Record<'import' | 'load' | 'predict' | 'all' | 'process', number>;

async function start(command: string, args: readonly string[]): Promise<Start> {
  const began = performance.now();
  const env = { ...process.env, ...pythonEnv(options.threads) };
  const { stdout } = await promisify(execFile)(command, args, { env });
  return { ...(JSON.parse(stdout.trim().split('\n').at(-1)!) as Start), process: performance.now() - began };
}

const script = await bundled('start');
const interpreter = python();
const sides: { name: string; run: () => Promise<Start>; found: Start[] }[] = [
  { name: 'holdfast', run: () => start(process.execPath, [script, miniLm]), found: [] },
];
if (interpreter !== undefined)
  sides.push({
    name: 'PyTorch',
    run: () => start(interpreter, [peerFile('start.py'), miniLm, String(options.threads)]),
    found: [],
  });
const notes = interpreter === undefined ? ['PyTorch: absent, no Python found: run bench/setup.sh, or set HOLDFAST_PYTHON'] : [];

if (existsSync(path.join(small, 'model.safetensors')))
  sides.push({ name: 'holdfast, holdfast-small', run: () => start(process.execPath, [script, small]), found: [] });
else notes.push('holdfast-small: absent, its package has no model.safetensors');

for (const side of [...sides]) {
  try {
    await side.run(); // Fills the file cache.
  } catch (error) {
    if (side === sides[0]) throw error;
    sides.splice(sides.indexOf(side), 1);
    notes.push(`${side.name}: absent, ${(error as Error).message.trim().split('\n').at(-1)}`);
  }
}
for (let round = 0; round < options.rounds; round++) for (const { run, found } of sides) found.push(await run());

const seconds = (found: readonly Start[], part: keyof Start) => rounded(median(found.map((one) => one[part])) / 1000, 3);
const rows: Row[] = sides.map(({ name, found }) => ({
  side: name,
  'import s': seconds(found, 'import'),
  'load s': seconds(found, 'load'),
  'predict s': seconds(found, 'predict'),
  'all s': seconds(found, 'all'),
  least: rounded(Math.min(...found.map(({ all }) => all)) / 1000, 3),
  most: rounded(Math.max(...found.map(({ all }) => all)) / 1000, 3),
  'process s': seconds(found, 'process'),
}));
printReport(
  {
    bench: 'start',
    title: `Import to first prediction, MiniLM (unless named otherwise) from disk, medians of ${options.rounds} fresh processes`,
    value: rows[0]!['all s'] as number,
    unit: 's',
    rows,
    notes,
  },
  options.json,
);
