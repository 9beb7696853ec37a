import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cli } from '../../src/cli/cli';
import type { Diagnosis } from '../../src/cli/doctor';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await cli(args, {
    from: path.join(root, 'src/cli/main.ts'),
    project: root,
    write: (text) => out.push(text),
    complain: (text) => err.push(text),
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('holdfast', () => {
  test.each([
    [[], 'a command is missing'],
    [['train'], "there is no command 'train'"],
    [['doctor', '--fast'], "Unknown option '--fast'"],
    [['doctor', 'now'], "doctor takes no arguments, got 'now'"],
  ])('%j is refused with the help and exit code 2, and prints nothing on stdout', async (args, problem) => {
    const { code, out, err } = await run(...args);
    expect(code).toBe(2);
    expect(err).toContain(problem);
    expect(err).toContain('Usage: holdfast <command>');
    expect(out).toBe('');
  });

  test('--help and --version are answers, not errors', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, err: '' });
    const { code, out } = await run('--version');
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('doctor --json: every engine with a reason, and the packages with their versions', async () => {
    const { code, out } = await run('doctor', '--json');
    const found = JSON.parse(out) as Diagnosis;
    expect(found.engines.map(({ name }) => name)).toEqual(['onnxruntime', 'webgpu', 'tensorflow', 'wasm', 'cpu']);
    expect(found.engines.at(-1)).toMatchObject({ name: 'cpu', usable: true });
    for (const { because } of found.engines) expect(because).not.toBe('');
    expect(found.packages.find(({ name }) => name === '@tensorflow/tfjs')).toMatchObject({
      installed: true,
      version: expect.stringMatching(/^4\./) as string,
    });
    expect(found.node).toBe(process.versions.node);
    expect(code).toBe(found.advice.some(({ kind }) => kind === 'problem') ? 1 : 0);
  });

  test('doctor names each engine and each package in a line of its own', async () => {
    const { out } = await run('doctor');
    for (const name of ['onnxruntime', 'cpu', 'tokenizers', 'koffi']) expect(out).toMatch(new RegExp(`^ .*\\b${name}\\b`, 'm'));
  });
});
