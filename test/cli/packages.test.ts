import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { folderOf, inspectPackage } from '../../src/cli/packages';

describe('inspectPackage', () => {
  let root = '';
  let from = '';
  beforeAll(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'holdfast-packages-'));
    from = path.join(root, 'app/src/main.js');
    const install = (name: string, code: string, more: object = {}) => {
      const folder = path.join(root, 'node_modules', name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version: '1.2.3', main: 'index.js', ...more }));
      writeFileSync(path.join(folder, 'index.js'), code);
    };
    install('fine', 'module.exports = 1');
    install('closed', 'module.exports = 1', { exports: { '.': './index.js' } });
    install('@scope/broken', "throw new Error('wrong ELF class\\nmore')");
  });
  afterAll(() => rmSync(root, { recursive: true }));

  test('finds it in a folder above, with its version, though exports hide package.json', async () => {
    expect(await inspectPackage('fine', [from])).toEqual({ name: 'fine', installed: true, version: '1.2.3' });
    expect(await inspectPackage('closed', [from])).toEqual({ name: 'closed', installed: true, version: '1.2.3' });
  });
  test('one that does not load: the first line of why', async () => {
    expect(await inspectPackage('@scope/broken', [from])).toMatchObject({ installed: true, error: 'wrong ELF class' });
  });
  test('without load it is only looked at', async () => {
    expect(await inspectPackage('@scope/broken', [from], { load: false })).toEqual({
      name: '@scope/broken',
      installed: true,
      version: '1.2.3',
    });
  });
  test('one that only the program has, where that counts too', async () => {
    const elsewhere = path.join(os.tmpdir(), 'holdfast-elsewhere/dist/cli.js');
    expect(await inspectPackage('fine', [elsewhere])).toMatchObject({ installed: false });
    expect(await inspectPackage('fine', [elsewhere, from])).toEqual({ name: 'fine', installed: true, version: '1.2.3' });
  });
  test('one that is not there', async () => {
    expect(await inspectPackage('nowhere', [from])).toEqual({ name: 'nowhere', installed: false });
    expect(folderOf('nowhere', from)).toBeUndefined();
  });
});
