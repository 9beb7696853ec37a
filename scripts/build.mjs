// dist: ES modules, CommonJS and types for both.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync('tsup', ['--silent'], { stdio: 'inherit', shell: process.platform === 'win32' });
if (status !== 0) process.exit(status ?? 1);

// The types for `require` are those for `import` under other names; bundling them twice would double the build's time.
for (const file of readdirSync('dist').filter((name) => name.endsWith('.d.ts'))) {
  const types = readFileSync(`dist/${file}`, 'utf8').replaceAll(/(from |import\()'(\.\/[^']+)\.js'/g, "$1'$2.cjs'");
  writeFileSync(`dist/${file.replace(/\.d\.ts$/, '.d.cts')}`, types);
}
