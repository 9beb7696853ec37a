// The whole check, one step after the other. Goes on after a failure, so that one run shows all there is to mend.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
mkdirSync('runs', { recursive: true });
const tarball = path.resolve('runs', `holdfast-${version}.tgz`);
rmSync(tarball, { force: true });

const steps = [
  ['types', 'tsc', '--noEmit'],
  ['lint', 'eslint', '.', '--max-warnings', '0'],
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['build', 'node', 'scripts/build.mjs'],
  ['pack', 'npm', 'pack', '--silent', '--pack-destination', 'runs'],
  ['publint', 'publint', 'run', tarball, '--strict'],
  ['are the types wrong', 'attw', tarball, '--profile', 'node16'],
  ['publint of the model', 'publint', 'run', 'packages/holdfast-small', '--strict'],
  ["are the model's types wrong", 'attw', '--pack', 'packages/holdfast-small', '--profile', 'node16', '--entrypoints', '.'],
  ['size limit', 'size-limit'],
  [
    'the packed package',
    'npm',
    'run',
    'test:package',
    '--',
    '--reporter=default',
    '--reporter=json',
    '--outputFile.json=runs/package-tests.json',
  ],
  [
    'engines',
    'npm',
    'run',
    'conformance',
    '--',
    '--reporter=default',
    '--reporter=json',
    '--outputFile.json=runs/conformance.json',
  ],
];

const env = {
  ...process.env,
  PATH: [path.resolve('node_modules/.bin'), process.env['PATH']].join(path.delimiter),
  HOLDFAST_TARBALL: tarball,
  npm_config_update_notifier: 'false',
};
const results = [];
for (const [name, command, ...args] of steps) {
  console.log(`\n== ${name}`);
  const start = Date.now();
  const { status } = spawnSync(command, args, { stdio: 'inherit', env, shell: process.platform === 'win32' });
  results.push({ name, ok: status === 0, seconds: (Date.now() - start) / 1000 });
  // The rest would look at an old package.
  if (name === 'build' && status !== 0) break;
}

console.log('\n== the whole check');
for (const { name, ok, seconds } of results)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(6)} s  ${name}`);
process.exit(results.every(({ ok }) => ok) ? 0 : 1);
