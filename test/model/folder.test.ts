import { spawn } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readFile, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openFolder, replaceFolder } from '../../src/model/folder';

let root = '';
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'holdfast-folder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A save of two files that both say `what`. */
const save = (folder: string, what: string): Promise<void> =>
  replaceFolder(folder, async (sink) => {
    await sink.write('weights', [bytes(what)]);
    await sink.write('part/tokens', [bytes(what)]);
    await sink.write('holdfast.json', [bytes(JSON.stringify({ files: ['weights', 'part/tokens'] }))]);
  });

async function contentsOf(folder: string): Promise<string[]> {
  const files = await openFolder(folder);
  return Promise.all(['weights', 'part/tokens'].map(async (name) => new TextDecoder().decode(await files.read(name))));
}

const leftovers = async (folder: string): Promise<string[]> =>
  (await readdir(path.dirname(folder))).filter((name) => name.startsWith(`.${path.basename(folder)}.`));

describe('openFolder', () => {
  test('lists, measures and reads, whole or in part', async () => {
    const folder = path.join(root, 'reads');
    await save(folder, 'abcdef');
    const files = await openFolder(folder);
    expect([...(await files.list())].sort()).toEqual(['holdfast.json', 'part/tokens', 'weights']);
    expect(await files.size('weights')).toBe(6);
    expect(await files.size('nothing')).toBeUndefined();
    expect(new TextDecoder().decode(await files.read('weights', { start: 2, end: 4 }))).toBe('cd');
    await expect(files.read('nothing')).rejects.toMatchObject({ code: 'not-found' });
    await expect(files.read('nothing', { start: 0, end: 1 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(files.read('part')).rejects.toMatchObject({ code: 'not-found' });
    // As in Hugging Face's cache, where all files are links.
    await symlink('weights', path.join(folder, 'link'));
    expect([...(await files.list())].sort()).toEqual(['holdfast.json', 'link', 'part/tokens', 'weights']);
  });

  test('a text is a path and never a name to download', async () => {
    await expect(openFolder('sentence-transformers/all-MiniLM-L6-v2')).rejects.toThrow('never a name to download');
  });
});

describe('replaceFolder', () => {
  test('a new folder, then another in its place, with the user’s own files kept', async () => {
    const folder = path.join(root, 'deep', 'new');
    await save(folder, 'one');
    await writeFile(path.join(folder, 'README.md'), 'mine');
    await symlink('README.md', path.join(folder, 'start'));
    // Also beside a file of ours that is not at the top.
    await writeFile(path.join(folder, 'part', 'notes'), 'mine too');
    await save(folder, 'two');
    expect(await contentsOf(folder)).toEqual(['two', 'two']);
    expect(await readFile(path.join(folder, 'README.md'), 'utf8')).toBe('mine');
    expect(await readlink(path.join(folder, 'start'))).toBe('README.md');
    expect(await readFile(path.join(folder, 'part', 'notes'), 'utf8')).toBe('mine too');
    await rename(folder, path.join(root, 'deep', 'moved'));
    expect(await readFile(path.join(root, 'deep', 'moved', 'start'), 'utf8')).toBe('mine');
    await rename(path.join(root, 'deep', 'moved'), folder);
    // A file where a folder of ours was is theirs, and in the way.
    await rm(path.join(folder, 'part'), { recursive: true });
    await writeFile(path.join(folder, 'part'), 'mine');
    await expect(save(folder, 'three')).rejects.toMatchObject({ code: 'save-conflict' });
    expect(await readFile(path.join(folder, 'part'), 'utf8')).toBe('mine');
    expect(await leftovers(folder)).toEqual([]);
  });

  test('a folder with other files is refused and stays as it is', async () => {
    const folder = path.join(root, 'theirs');
    await mkdir(folder);
    await writeFile(path.join(folder, 'thesis.txt'), 'years of work');
    await expect(save(folder, 'one')).rejects.toMatchObject({ code: 'save-conflict' });
    expect(await readdir(folder)).toEqual(['thesis.txt']);
    await expect(save(path.join(folder, 'thesis.txt'), 'one')).rejects.toMatchObject({ code: 'save-conflict' });
  });

  test('a save that fails leaves the old folder and nothing else', async () => {
    const folder = path.join(root, 'fails');
    await save(folder, 'one');
    const failing = replaceFolder(folder, async (sink) => {
      await sink.write('weights', [bytes('two')]);
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(await contentsOf(folder)).toEqual(['one', 'one']);
    expect(await leftovers(folder)).toEqual([]);
  });

  test('a crash between the two renames is finished by whoever opens the folder', async () => {
    const folder = path.join(root, 'between');
    await save(folder, 'one');
    await save(path.join(root, 'complete'), 'two');
    await rename(path.join(root, 'complete'), path.join(root, '.between.next'));
    await rename(folder, path.join(root, '.between.previous'));
    expect(await contentsOf(folder)).toEqual(['two', 'two']);
    await save(folder, 'three');
    expect(await contentsOf(folder)).toEqual(['three', 'three']);
    expect(await leftovers(folder)).toEqual([]);
  });

  test('a link stays a link, also across a crash', async () => {
    const folder = path.join(root, 'real');
    await save(folder, 'one');
    await symlink(folder, path.join(root, 'link'));
    await save(path.join(root, 'link'), 'two');
    expect((await lstat(path.join(root, 'link'))).isSymbolicLink()).toBe(true);
    expect(await contentsOf(folder)).toEqual(['two', 'two']);
    await rename(folder, path.join(root, '.real.next'));
    expect(await contentsOf(path.join(root, 'link'))).toEqual(['two', 'two']);
  });

  test('a process that is killed leaves the old or the new folder, whole', async () => {
    const folder = path.join(root, 'killed');
    await save(folder, 'start');
    const seen = new Set<string>();
    for (const wait of [0, 9, 20]) {
      await killWhileSaving(folder, wait);
      const [weights, tokens] = await contentsOf(folder);
      expect(tokens).toBe(weights);
      seen.add(weights!);
    }
    // It did save meanwhile.
    expect(seen.size).toBeGreaterThan(1);
  });
});

/** Starts a process that saves without pause, and kills it `wait` ms after its first save. */
async function killWhileSaving(folder: string, wait: number): Promise<void> {
  const script = fileURLToPath(new URL('./saveForever.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve());
    child.once('exit', () => reject(new Error('the saving process ended by itself')));
  });
  await new Promise((resolve) => setTimeout(resolve, wait));
  child.kill('SIGKILL');
  await exited;
}
