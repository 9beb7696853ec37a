import { describe, expect, test } from 'vitest';
import { runScript } from '../support/runScript';
import { describeShared, sharedPath } from '../support/shared';

const example = (...args: string[]) => runScript('examples/sequential-intents.ts', ...args);

describe('examples/sequential-intents.ts', () => {
  test('says which folder is missing and what to give', async () => {
    const { code, err } = await example('--model', './nowhere');
    expect(code).toBe(1);
    expect(err.trim()).toBe(
      "There is no model in './nowhere': give the folder of a pretrained encoder (config.json, model.safetensors, tokenizer.json) with --model.",
    );
  });

  test('refuses a method that it does not know', async () => {
    const { code, err } = await example('--methods', 'naive,magic');
    expect([code, err.trim()]).toEqual([1, "--methods: 'magic' is none of naive, ewc, replay, joint"]);
  });
});

describeShared(['models/minilm-en', 'data/clinc150'], 'examples/sequential-intents.ts on real data', () => {
  test('learns two domains and prints matrix and table', { timeout: 240_000 }, async () => {
    const { code, out, err } = await example(
      ...['--model', sharedPath('models/minilm-en'), '--data', sharedPath('data/clinc150'), '--tasks', '2', '--per-intent', '5'],
      ...['--methods', 'naive,replay', '--settings', 'cil', '--test-per-intent', '2', '--matrix-per-intent', '2'],
    );
    expect(code, err).toBe(0);
    expect(out).toMatch(/^after +auto_and_commute +banking$/m);
    const final = (method: string) => Number(new RegExp(`^${method} +(\\d\\.\\d+)`, 'm').exec(out)?.[1]);
    // Naive training keeps the second task only, so at most half; replay keeps both.
    expect(final('naive')).toBeLessThan(0.6);
    expect(final('replay')).toBeGreaterThan(final('naive') + 0.1);
  });
});
