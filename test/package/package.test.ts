import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sharedPath } from '../support/shared';
import { writeTinyCheckpoint } from './tinyCheckpoint';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
let project = '';

/** Runs a program in the empty project, as its user would: none of this repository's settings. */
function run(command: string, ...args: string[]): { readonly code: number | null; readonly out: string } {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|vitest|node_options|node_path)/i.test(name)),
  );
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: project,
    encoding: 'utf8',
    env: { ...env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    shell: process.platform === 'win32',
  });
  if (stderr !== '') process.stderr.write(stderr);
  return { code: status, out: stdout };
}

/** Its output, where it must succeed. */
function output(command: string, ...args: string[]): string {
  const { code, out } = run(command, ...args);
  expect(code, `${[command, ...args].join(' ')}\n${out}`).toBe(0);
  return out;
}

function pack(): string {
  const ready = process.env['HOLDFAST_TARBALL'];
  if (ready) return ready;
  execFileSync(npm, ['run', 'build'], { cwd: root, stdio: 'ignore', shell: process.platform === 'win32' });
  return packed(root);
}

/** The tarball of a package as it stands. */
function packed(folder: string): string {
  const name = execFileSync(npm, ['pack', '--silent', '--pack-destination', project], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return path.join(project, name.trim());
}

const megabytes = (folder: string): number => {
  const size = (at: string): number =>
    readdirSync(at, { withFileTypes: true }).reduce((sum, entry) => {
      const file = path.join(at, entry.name);
      return sum + (entry.isDirectory() ? size(file) : entry.isSymbolicLink() ? 0 : statSync(file).size);
    }, 0);
  return Math.round(size(folder) / 1e6);
};

/** The first block of TypeScript in the README. */
function readmeLines(): string {
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(root, 'README.md'), 'utf8'))?.[1];
  if (block === undefined) throw new Error('README.md has no ```ts block');
  return block;
}

const compilerOptions = [
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2022',
  '--lib',
  'es2023,esnext.disposable,dom',
  '--skipLibCheck',
];

beforeAll(() => {
  project = mkdtempSync(path.join(os.tmpdir(), 'holdfast-package-'));
  const tarball = pack();
  writeFileSync(path.join(project, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  output(npm, 'install', '--no-audit', '--no-fund', tarball, '@tensorflow/tfjs@^4.22.0');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('the packed package in an empty project', () => {
  test('brings what it needs and no more than we think; the size is printed', () => {
    const modules = path.join(project, 'node_modules');
    const own = path.join(modules, 'holdfast');
    for (const name of ['onnxruntime-node', 'koffi', 'tokenizers', '@tensorflow/tfjs'])
      expect(existsSync(path.join(modules, name)), name).toBe(true);
    expect(readdirSync(own).sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']);
    expect(existsSync(path.join(modules, 'holdfast-small')), 'the model is a package of its own').toBe(false);
    const sizes = { all: megabytes(modules), 'onnxruntime-node': megabytes(path.join(modules, 'onnxruntime-node')) };
    console.log(
      `installed: ${sizes.all} MB, of which onnxruntime-node ${sizes['onnxruntime-node']} MB, @tensorflow ${megabytes(path.join(modules, '@tensorflow'))} MB, holdfast ${megabytes(own)} MB`,
    );
    expect(megabytes(own)).toBeLessThanOrEqual(3);
    expect(sizes.all).toBeLessThan(900);
  });

  test('ES modules and CommonJS in one process share one engine and one tape, and know each other’s errors', () => {
    cpSync(path.join(here, 'bothSystems.mjs'), path.join(project, 'bothSystems.mjs'));
    expect(output('node', 'bothSystems.mjs').trim().split('\n').at(-1)).toBe('ok');
  });

  test('the command line starts, and the doctor finds the native engine', () => {
    const found = JSON.parse(output(npm, 'exec', '--offline', '--', 'holdfast', 'doctor', '--json')) as {
      advice: object[];
      engines: object[];
    };
    expect(found.engines).toContainEqual(expect.objectContaining({ name: 'onnxruntime', usable: true }));
    expect(found.advice).toEqual([]);
  });

  test('without onnxruntime-node, which npm may leave out, the doctor says so, why, and what brings it back', () => {
    const folder = path.join(project, 'node_modules', 'onnxruntime-node');
    renameSync(folder, `${folder}-away`);
    try {
      const { code, out } = run('node', 'node_modules/holdfast/dist/cli.js', 'doctor');
      expect(code).toBe(1);
      expect(out).toContain('npm leaves it out without a word');
      expect(out).toContain('ONNXRUNTIME_NODE_INSTALL=skip');
    } finally {
      renameSync(`${folder}-away`, folder);
    }
  });

  test('the lines of the README compile against the published types and run', () => {
    const model = path.join(project, 'minilm');
    if (existsSync(sharedPath('models/minilm-en'))) cpSync(sharedPath('models/minilm-en'), model, { recursive: true });
    else writeTinyCheckpoint(model);
    writeFileSync(path.join(project, 'readme.mts'), readmeLines());
    output('node', path.join(root, 'node_modules/typescript/bin/tsc'), ...compilerOptions, 'readme.mts');
    const out = output('node', 'readme.mjs');
    for (const word of ['billing', 'shipping', 'forgetting']) expect(out).toContain(word);
    expect(existsSync(path.join(project, 'support', 'model.safetensors'))).toBe(true);
  });

  test('the model’s package beside it: ES modules, CommonJS and types find the same folder, which loads', () => {
    output(npm, 'install', '--no-audit', '--no-fund', '--offline', packed(path.join(root, 'packages/holdfast-small')));
    const small = path.join(project, 'node_modules/holdfast-small');
    if (!existsSync(path.join(small, 'model.safetensors'))) {
      for (const name of ['tokenizer_config.json', 'special_tokens_map.json']) rmSync(path.join(small, name));
      writeTinyCheckpoint(small);
    }
    writeFileSync(path.join(project, 'required.cts'), "export { folder } from 'holdfast-small';\n");
    writeFileSync(
      path.join(project, 'small.mts'),
      `import { loadModel } from 'holdfast';
      import { folder } from 'holdfast-small';
      import { folder as required } from './required.cjs';
      const model = await loadModel(folder, { pooling: 'mean' });
      console.log(folder === required, model.hiddenSize > 0);
      model.dispose();\n`,
    );
    output('node', path.join(root, 'node_modules/typescript/bin/tsc'), ...compilerOptions, 'required.cts', 'small.mts');
    expect(output('node', 'small.mjs').trim().split('\n').at(-1)).toBe('true true');
  });
});
