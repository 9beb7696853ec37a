import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { isHoldfastError, type HoldfastError } from '../../src/core';
import { createOnnxBackend } from '../../src/engine/backend';
import { listEngines, useEngine, type UseEngineOptions } from '../../src/engine';

afterEach(async () => {
  await tf.setBackend('cpu');
  for (const name of ['onnxruntime', 'wasm']) if (tf.findBackend(name)) tf.removeBackend(name);
});

const failure = async (options: UseEngineOptions): Promise<HoldfastError> => {
  const error = await useEngine(options).catch((cause: unknown) => cause);
  if (isHoldfastError(error)) return error;
  throw new Error(`useEngine(${JSON.stringify(options)}) gave ${JSON.stringify(error)}`);
};

describe('useEngine', () => {
  test('picks onnxruntime where its library is, and says what it is', async () => {
    const found = await useEngine();
    expect(found).toMatchObject({ name: 'onnxruntime', usable: true });
    expect(found.because).toMatch(/^onnxruntime \d+\.\d+\.\d+ through its C API, \d+ threads$/);
    expect(tf.getBackend()).toBe('onnxruntime');
    const x = tf.tensor1d([1, 2]);
    const y = tf.square(x);
    expect(Array.from(await y.data())).toEqual([1, 4]);
    tf.dispose([x, y]);
  });

  test('a second call keeps what is there, also with another runner than the first choice', async () => {
    await useEngine({ runner: 'node', threads: 1 });
    expect((await useEngine()).because).toBe('onnxruntime-node, 1 threads');
    expect((await useEngine({ engine: 'cpu' })).name).toBe('cpu');
    expect((await useEngine()).because).toBe('onnxruntime-node, 1 threads');
  });

  test('the threads of the C API are made once, and the ones that are there are told', async () => {
    const first = await useEngine({ runner: 'capi' });
    await tf.setBackend('cpu');
    tf.removeBackend('onnxruntime');
    expect((await useEngine({ runner: 'capi', threads: availableParallelism() + 1 })).because).toBe(first.because);
  });

  test('the one that is asked for', async () => {
    for (const engine of ['wasm', 'cpu'] as const) {
      expect(await useEngine({ engine })).toMatchObject({ name: engine, usable: true });
      expect(tf.getBackend()).toBe(engine);
    }
  });

  test.each([{}, { engine: 'wasm' as const }])('two calls at once start one engine: %o', async (options) => {
    const warn = vi.spyOn(console, 'warn');
    const [one, other] = await Promise.all([useEngine(options), useEngine(options)]);
    expect(other).toEqual(one);
    expect(tf.getBackend()).toBe(one.name);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test('two backends made at once are one; a runner that fails does not fail for the other', async () => {
    const [one, other] = await Promise.all([createOnnxBackend(), createOnnxBackend()]);
    expect(other).toBe(one);
    expect(tf.findBackend('onnxruntime')).toBe(one);
    tf.removeBackend('onnxruntime');
    const wrong = createOnnxBackend({ device: 'cuda', runner: 'web' });
    const right = createOnnxBackend({ runner: 'node' });
    await expect(wrong).rejects.toMatchObject({ code: 'engine-unavailable' });
    expect((await right).runner.name).toBe('node');
  });

  test('loading a backend does not put it in use behind our back', async () => {
    await useEngine({ engine: 'wasm' });
    tf.removeBackend('wasm');
    // tfjs now looks for the backend of the highest priority.
    expect(['cpu', 'onnxruntime']).toContain(tf.getBackend() || 'cpu');
  });

  test('refuses what it does not know, with what it got', async () => {
    expect(await failure({ engine: 'gpu' as never })).toMatchObject({
      code: 'bad-argument',
      message: "useEngine: engine must be one of onnxruntime, webgpu, tensorflow, wasm, cpu, got 'gpu'",
    });
    expect((await failure({ device: 'npu' as never })).message).toMatch(/device must be one of cpu, webgpu, cuda, got 'npu'/);
    expect((await failure({ engine: 'wasm', device: 'cpu' })).message).toMatch(
      /device is for the engine 'onnxruntime', got it with 'wasm'/,
    );
    expect((await failure({ threads: 0 })).message).toMatch(/threads must be a whole number ≥ 1, got 0/);
  });

  test('an engine that cannot run says why and what to do, and the one in use stays', async () => {
    await useEngine({ engine: 'wasm' });
    for (const { name, usable, because } of await listEngines()) {
      if (usable) continue;
      const error = await failure({ engine: name });
      expect(error.code).toBe('engine-unavailable');
      expect(error.message).toContain(`The engine '${name}' cannot run here: ${because}. Try: `);
      expect(tf.getBackend()).toBe('wasm');
    }
  });

  test('a device that the machine lacks is found out at once', async () => {
    // No machine that runs these tests has CUDA; where one has, it must work.
    const outcome = await useEngine({ device: 'cuda' }).catch((cause: unknown) => cause);
    if (isHoldfastError(outcome)) {
      expect(outcome.code).toBe('engine-unavailable');
      expect(outcome.message).toMatch(/Try: CUDA 12/);
      expect(tf.getBackend()).toBe('cpu');
    } else expect(outcome).toMatchObject({ name: 'onnxruntime', usable: true });
  });
});

describe('listEngines', () => {
  test('names all five, best first, starts none and changes nothing', async () => {
    const before = tf.getBackend();
    const began = performance.now();
    const found = await listEngines();
    expect(performance.now() - began).toBeLessThan(5000);
    expect(found.map(({ name }) => name)).toEqual(['onnxruntime', 'webgpu', 'tensorflow', 'wasm', 'cpu']);
    for (const { because, usable, hint } of found) {
      expect(because).not.toBe('');
      if (!usable) expect(hint).toMatch(/install/);
    }
    expect(found[0]).toMatchObject({ usable: true });
    expect(found[0]!.because).toMatch(/built for cpu/);
    expect(tf.getBackend()).toBe(before);
    expect(tf.findBackend('onnxruntime')).toBeNull();
    expect(tf.findBackendFactory('wasm') && tf.findBackend('wasm')).toBeFalsy();
  });

  test('prints nothing', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const script = "import('./src/engine').then(({ listEngines }) => listEngines());";
    const { stdout, stderr, status } = spawnSync(process.execPath, ['node_modules/tsx/dist/cli.mjs', '--eval', script], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([stdout, stderr, status]).toEqual(['', '', 0]);
  });
});
