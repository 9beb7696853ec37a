import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng';
import { loadModel } from '../../src/model';
import { openFolder, replaceFolder } from '../../src/model/folder';
import { valuesOf } from '../support/close';
import { idTokenizer, vocabularyOf } from './tiny';

let root = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await fs.mkdtemp(path.join(tmpdir(), 'holdfast-crash-'));
});
afterAll(() => fs.rm(root, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const save = (folder: string, what: string): Promise<void> =>
  replaceFolder(folder, async (sink) => {
    await sink.write('weights', [bytes(what)]);
    await sink.write('part/tokens', [bytes(what)]);
    await sink.write('holdfast.json', [bytes(JSON.stringify({ files: ['weights', 'part/tokens'] }))]);
  });
const wordsOf = async (folder: string): Promise<string> => {
  const files = await openFolder(folder);
  const words = ['weights', 'part/tokens'].map(async (name) => new TextDecoder().decode(await files.read(name)));
  return [...new Set(await Promise.all(words))].join();
};

const operations = ['mkdir', 'open', 'cp', 'rename', 'rm', 'readdir', 'stat'] as const;

/** Runs `body` until it asks for its `last`-th operation on files, which never happens, nor anything after it: as if the process were killed then. */
async function killedAt(last: number, body: () => Promise<void>): Promise<'killed' | 'ended'> {
  const originals = operations.map((name) => [name, fs[name]] as const);
  let asked = 0;
  const killed = new Promise<'killed'>((resolve) => {
    for (const [name, original] of originals) {
      const instead = (...call: unknown[]): unknown => {
        if (++asked < last) return (original as (...call: unknown[]) => unknown)(...call);
        resolve('killed');
        return new Promise(() => {});
      };
      Object.assign(fs, { [name]: instead });
    }
    syncBuiltinESMExports();
  });
  try {
    return await Promise.race([killed, body().then(() => 'ended' as const)]);
  } finally {
    Object.assign(fs, Object.fromEntries(originals));
    syncBuiltinESMExports();
  }
}

/** Cuts a save off before each of its operations, and says what was found each time. */
async function foundAfterEach(name: string, prepare: (folder: string) => Promise<void>): Promise<(readonly [string, boolean])[]> {
  const found: (readonly [string, boolean])[] = [];
  for (let last = 1; ; last++) {
    const folder = path.join(root, `${name}-${last}`);
    await prepare(folder);
    if ((await killedAt(last, () => save(folder, 'new'))) === 'ended') return found;
    const missing = !(await fs.stat(folder).catch(() => undefined));
    found.push([await wordsOf(folder).catch((error: { code: string }) => error.code), missing]);
    // Whoever comes next is not in the way of what was left.
    await save(folder, 'next');
    expect(await wordsOf(folder)).toBe('next');
    const left = (await fs.readdir(root)).filter((entry) => entry.startsWith(`.${name}-${last}.`));
    // This process lives on, so what its cut-off save moved away may still be wanted.
    const ours = ['.saving-', `.previous-${process.pid}-`];
    expect(left.filter((entry) => !ours.some((kind) => entry.includes(kind)))).toEqual([]);
  }
}

describe('a save that is cut off before any of its operations on files', () => {
  test('leaves the old or the new folder, whole, and the user’s own file', async () => {
    const found = await foundAfterEach('over', async (folder) => {
      await save(folder, 'old');
      await fs.writeFile(path.join(folder, 'README.md'), 'mine');
    });
    expect(found.length).toBeGreaterThan(15);
    const words = found.map(([word]) => word);
    const turn = words.indexOf('new');
    expect(words.slice(0, turn).every((word) => word === 'old')).toBe(true);
    expect(words.slice(turn).every((word) => word === 'new')).toBe(true);
    // The moment between the two renames, in which there is no folder of that name, is among them, and recovered.
    expect(found.filter(([word, missing]) => missing && word === 'new').length).toBeGreaterThan(0);
    expect(await fs.readFile(path.join(root, `over-${found.length}`, 'README.md'), 'utf8')).toBe('mine');
  });

  test('leaves nothing or the new folder, where there was none', async () => {
    const words = (await foundAfterEach('first', async () => {})).map(([word]) => word);
    const turn = words.indexOf('new');
    expect(turn).toBeGreaterThan(0);
    expect(new Set(words.slice(0, turn))).toEqual(new Set(['not-found']));
    expect(new Set(words.slice(turn))).toEqual(new Set(['new']));
  });
});

describe('at the same time', () => {
  test('two saves to one folder: one of them stays, whole', async () => {
    const folder = path.join(root, 'both');
    for (let i = 0; i < 10; i++) {
      await Promise.all([save(folder, 'one'), save(folder, 'two')]);
      expect(['one', 'two']).toContain(await wordsOf(folder));
    }
  });

  test('opening it does not disturb a save', async () => {
    const folder = path.join(root, 'watched');
    await save(folder, 'start');
    let saving = true;
    const watched = (async () => {
      // Opening finishes a save that looks cut off: it may come between the two renames of one that is not.
      while (saving) await openFolder(folder).catch(() => undefined);
    })();
    for (let i = 0; i < 20; i++) await save(folder, String(i));
    saving = false;
    await watched;
    expect(await wordsOf(folder)).toBe('19');
  });
});

describe('a process that saves a model and what is kept with it', () => {
  const all = async (numbers: tf.Tensor | ArrayLike<number>) => new Set(await valuesOf(numbers));

  /** What is in the folder: every number of the weights, of the tensors and of the JSON. */
  async function turnsIn(folder: string): Promise<number[]> {
    const found = new Set<number>();
    const add = async (numbers: tf.Tensor | ArrayLike<number>) => {
      for (const value of await all(numbers)) found.add(value);
    };
    const guard = {
      state: () => 0,
      restore: (state: { fisher: tf.Tensor } | 0) => (state === 0 ? undefined : add(state.fisher)),
    };
    const memory = { state: () => [], restore: add };
    const model = await loadModel(folder, { tokenizer: idTokenizer(vocabularyOf('bert')), keep: { guard, memory } });
    for (const weight of Object.values(model.weights)) await add(weight);
    model.dispose();
    return [...found];
  }

  // A process that is stopped has done to the disk what one that is killed at that moment has: one start serves many moments.
  test.skipIf(process.platform !== 'linux')(
    'frozen at 15 moments, then killed: all of it is from one save, each time',
    { timeout: 180_000 },
    async () => {
      const folder = path.join(root, 'frozen', 'model');
      const script = fileURLToPath(new URL('./saveKeptForever.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = new Promise((resolve) => child.once('exit', resolve));
      try {
        await new Promise<void>((resolve, reject) => {
          child.stdout.once('data', () => resolve());
          child.once('exit', () => reject(new Error('the saving process ended by itself')));
        });
        const draw = createRng(7);
        const seen: number[] = [];
        for (let moment = 0; moment < 15; moment++) {
          await new Promise((resolve) => setTimeout(resolve, draw() % 60));
          child.kill('SIGSTOP');
          while (!/\) T/.test(await fs.readFile(`/proc/${child.pid}/stat`, 'utf8')))
            await new Promise((resolve) => setTimeout(resolve, 1));
          const copy = path.join(root, `frozen-${moment}`);
          await fs.cp(path.dirname(folder), copy, { recursive: true });
          child.kill('SIGCONT');
          const turns = await turnsIn(path.join(copy, 'model'));
          expect(turns).toHaveLength(1);
          seen.push(...turns);
        }
        expect(new Set(seen)).toEqual(new Set([1, 2]));
      } finally {
        child.kill('SIGKILL');
        await exited;
      }
      expect(await turnsIn(folder)).toHaveLength(1);
    },
  );
});
