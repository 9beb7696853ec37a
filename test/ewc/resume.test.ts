import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTiny } from '../model/tiny';
import { digests, methods, sequence } from '../support/fourTasks';
import { scoped } from '../support/leaks';
import { runScript } from '../support/runScript';

let root = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(path.join(tmpdir(), 'holdfast-resume-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const names = Object.keys(methods);
const folderOf = (name: string): string => path.join(root, name.replaceAll(' ', '-'));
type Digests = Record<string, string>;

describe('four tasks, the last two in another process', () => {
  const [whole, rest]: [Record<string, Digests>, Record<string, Digests>] = [{}, {}];
  beforeAll(async () => {
    await scoped(async () => {
      for (const name of names) {
        const { keep, learn } = sequence(name);
        const model = await loadTiny('bert', { heads: false, pooling: 'mean' });
        await learn(model, 0, 2);
        await model.save(folderOf(name), { keep });
        await learn(model, 2, 4);
        whole[name] = await digests(model, keep);
      }
    })();
    const folders = JSON.stringify(Object.fromEntries(names.map((name) => [name, folderOf(name)])));
    const { code, out, err } = await runScript('test/support/restOfFourTasks.ts', folders);
    expect(code, err).toBe(0);
    Object.assign(rest, JSON.parse(out));
  }, 180_000);

  for (const name of names) {
    test(`${name}: the same weights, states and results bit for bit as in one process`, () => {
      expect(Object.keys(whole[name]!).length).toBeGreaterThan(100);
      expect(rest[name]).toEqual(whole[name]);
    });
  }
});
