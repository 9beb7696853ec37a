import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bundled } from '../../bench/support/bundle';
import { median, rounded } from '../../bench/support/stats';
import type { StartResult } from './results';

type Parts = Record<'import' | 'load' | 'predict' | 'all', number>;

/** From the import of the SDK to the first prediction, each time in a process of its own, with the files in the system's cache. */
export async function startOf(folder: string, processes = 5): Promise<StartResult> {
  const script = await bundled('start');
  const once = async (): Promise<Parts> => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, folder]);
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as Parts;
  };
  await once(); // Fills the file cache.
  const found: Parts[] = [];
  for (let i = 0; i < processes; i++) found.push(await once());
  const seconds = (part: keyof Parts) => rounded(median(found.map((one) => one[part])) / 1000, 3);
  const all = found.map((one) => one.all / 1000);
  return {
    import: seconds('import'),
    load: seconds('load'),
    predict: seconds('predict'),
    all: seconds('all'),
    least: rounded(Math.min(...all), 3),
    most: rounded(Math.max(...all), 3),
    processes,
  };
}
