// Makes `npm run demo` and `npm test` work in a fresh clone: installs what package-lock.json says where node_modules lacks it.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const wanted = read('package-lock.json');
const problem = difference();
if (problem !== undefined) {
  console.log(`setup: ${problem}; running npm ci`);
  // Without this, onnxruntime-node's install script downloads CUDA binaries from another host, and npm drops the package where it cannot.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error(
      'setup: npm ci failed. The only thing it needs is the npm registry (or a mirror: npm config set registry URL).',
    );
    process.exit(status ?? 1);
  }
}

/** What node_modules lacks of the lock file; undefined if nothing. Optional packages may be missing: npm leaves out other platforms' binaries. */
function difference() {
  if (!existsSync('node_modules/.package-lock.json')) return 'node_modules is not there';
  const installed = read('node_modules/.package-lock.json').packages;
  for (const [path, { version, optional, link }] of Object.entries(wanted.packages)) {
    if (path === '' || optional) continue;
    if (link && !existsSync(path)) return `${path} is not linked`;
    // What a link leads to is in the repository.
    if (link || !path.includes('node_modules/')) continue;
    if (installed[path] === undefined) return `${path} is not installed`;
    if (installed[path].version !== version) return `${path} is ${installed[path].version}, package-lock.json has ${version}`;
  }
  return undefined;
}

function read(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}
