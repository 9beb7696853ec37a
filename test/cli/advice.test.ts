import { describe, expect, test } from 'vitest';
import { advise } from '../../src/cli/advice';
import type { Diagnosis } from '../../src/cli/doctor';

type Findings = Omit<Diagnosis, 'advice'>;

const installed = (name: string) => ({ name, installed: true, version: '1.0.0' });
const missing = (name: string) => ({ name, installed: false });
const engine = (name: 'onnxruntime' | 'cpu', usable: boolean) => ({ name, usable, because: usable ? 'found' : 'not found' });

const healthy: Findings = {
  holdfast: '0.1.0',
  node: '20.20.2',
  platform: 'linux',
  arch: 'x64',
  libc: 'glibc',
  cores: 2,
  memory: { total: 8 * 1024 ** 3, free: 1024 ** 3 },
  engines: [engine('onnxruntime', true), engine('cpu', true)],
  packages: ['@tensorflow/tfjs', 'tokenizers', 'onnxruntime-node', 'koffi'].map(installed),
  copies: [],
};
const without = (name: string, more: Partial<Findings> = {}): Findings => ({
  ...healthy,
  ...more,
  packages: healthy.packages.map((entry) => (entry.name === name ? missing(name) : entry)),
});
const noRuntime = { engines: [engine('onnxruntime', false), engine('cpu', true)] };
const problems = (found: Findings) => advise(found).filter(({ kind }) => kind === 'problem');

describe('advise', () => {
  test('says nothing about a healthy machine', () => {
    expect(advise(healthy)).toEqual([]);
  });

  test('a dropped onnxruntime-node: explains why npm left it out, and the first command brings it back', () => {
    const [first] = problems(without('onnxruntime-node', noRuntime));
    expect(first?.text).toContain('npm leaves it out without a word');
    expect(first?.commands).toEqual(['ONNXRUNTIME_NODE_INSTALL=skip npm install']);
    const notes = advise(without('onnxruntime-node', noRuntime)).flatMap(({ commands }) => commands);
    expect(notes).toContain('echo onnxruntime-node-install=skip >> .npmrc');
    expect(notes).toContain('npm pkg set allowScripts.onnxruntime-node=false allowScripts.koffi=false --json');
  });

  test('on Windows the variable is set the Windows way', () => {
    const [first] = problems(without('onnxruntime-node', { ...noRuntime, platform: 'win32' }));
    expect(first?.commands).toEqual(['set ONNXRUNTIME_NODE_INSTALL=skip && npm install']);
  });

  test('where another fast engine runs, a missing onnxruntime-node is no problem', () => {
    const engines = [...noRuntime.engines, { name: 'tensorflow' as const, usable: true, because: 'found' }];
    expect(problems(without('onnxruntime-node', { engines }))).toEqual([]);
  });

  test.each([
    ['musl', { libc: 'musl' as const }, 'Alpine'],
    ['an Intel Mac', { platform: 'darwin', arch: 'x64' }, 'Intel'],
  ])('on %s there is no binary to install: it names the tensorflow engine instead', (_, machine, word) => {
    const [first] = problems({ ...healthy, ...noRuntime, ...machine });
    expect(first?.text).toContain(word);
    expect(first?.commands).toEqual(['npm install @tensorflow/tfjs-node']);
  });

  test('an engine that does not start although all is installed: gives its reason', () => {
    const [first] = problems({ ...healthy, ...noRuntime });
    expect(first?.text).toContain('the engine does not start: not found');
  });

  test('koffi missing is a note, tokenizers missing a problem', () => {
    expect(problems(without('koffi'))).toEqual([]);
    expect(advise(without('koffi'))[0]?.commands).toEqual(['npm install koffi']);
    expect(problems(without('tokenizers'))[0]?.commands).toEqual(['npm install @xenova/transformers@^2.17.2']);
    const followed = without('tokenizers');
    expect(advise({ ...followed, packages: [...followed.packages, installed('@xenova/transformers')] })).toEqual([]);
  });

  test('two copies of TensorFlow.js are named with their folders', () => {
    const [first] = problems({ ...healthy, copies: ['/a', '/b'] });
    expect(first?.text).toContain('/a, /b');
  });

  test('an old Node is named with its version', () => {
    expect(problems({ ...healthy, node: '18.2.0' })[0]?.text).toContain('Node 18.2.0 is too old');
  });
});
