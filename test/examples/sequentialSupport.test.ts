import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeTinyCheckpoint } from '../package/tinyCheckpoint';
import { runScript } from '../support/runScript';
import { describeSmall } from '../support/small';

const demo = (...args: string[]) => runScript('examples/sequential-support.ts', ...args);

describe('examples/sequential-support.ts', () => {
  let model = '';
  beforeAll(() => {
    model = mkdtempSync(path.join(os.tmpdir(), 'holdfast-demo-'));
    writeTinyCheckpoint(model);
  });
  afterAll(() => rmSync(model, { recursive: true, force: true }));

  test('says which folder has no model and what to give', async () => {
    const { code, err } = await demo('--model', './nowhere');
    expect(code).toBe(1);
    expect(err.trim()).toBe(
      "There is no model.safetensors in './nowhere': give the folder of a pretrained encoder (config.json, model.safetensors, tokenizer.json) with --model.",
    );
  });

  test.each([
    [['--methods', 'naive,magic'], "--methods: 'magic' is none of naive, EWC, replay, joint"],
    [['--tasks', '1.5'], "--tasks must be a whole number ≥ 1, got '1.5'"],
    [['--rate', 'fast'], "--rate must be a number ≥ 0, got 'fast'"],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await demo('--model', model, ...args);
    expect([code, err.trim()]).toEqual([1, message]);
  });

  test('in its smallest form, on a random model: every method, both settings, all languages', { timeout: 240_000 }, async () => {
    const { code, out, err } = await demo(
      ...['--model', model, '--tasks', '2', '--per-intent', '2', '--epochs', '1', '--methods', 'naive,EWC,replay,joint'],
    );
    expect(code, err).toBe(0);
    expect(out.match(/^ +billing +shipping +mean +forgotten +seconds$/gm)).toHaveLength(2);
    expect(out).toMatch(/guessing gives 20$/m);
    expect(out).toMatch(/guessing gives 10$/m);
    for (const method of ['naive', 'EWC', 'replay'])
      expect(out.match(new RegExp(`^${method}(?: +\\d+){5}$`, 'gm'))).toHaveLength(2);
    expect(out.match(/^joint(?: +\d+){4}$/gm), 'joint forgets nothing').toHaveLength(2);
    for (const language of ['en', 'de', 'es', 'fr', 'zh']) {
      expect(out.match(new RegExp(`^${language}(?: +\\d+){3}$`, 'gm'))).toHaveLength(1);
      expect(out).toMatch(new RegExp(`^  ${language}  .+  ->  [a-z_]+$`, 'm'));
    }
  });
});

describeSmall('examples/sequential-support.ts on holdfast-small', () => {
  test('two groups: naive training forgets the first one, replay keeps it', { timeout: 240_000 }, async () => {
    const { code, out, err } = await demo('--tasks', '2', '--settings', 'unknown', '--methods', 'naive,replay');
    expect(code, err).toBe(0);
    const billing = (method: string) => Number(new RegExp(`^${method} +(\\d+)`, 'm').exec(out)?.[1]);
    expect(billing('naive')).toBeLessThan(30);
    expect(billing('replay')).toBeGreaterThan(billing('naive') + 10);
  });
});
