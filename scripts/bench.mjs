// npm run bench -- NAME runs bench/NAME.ts; without a name it says which there are.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const names = existsSync('bench') ? readdirSync('bench').flatMap((file) => /^(.+)\.ts$/.exec(file)?.[1] ?? []) : [];
const [name, ...args] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(name === undefined ? 'Which benchmark? npm run bench -- NAME' : `There is no benchmark '${name}'.`);
  console.error(names.length > 0 ? `There are: ${names.join(', ')}` : 'There are none yet.');
  process.exit(2);
}
const { status } = spawnSync('tsx', [`bench/${name}.ts`, ...args], { stdio: 'inherit', shell: process.platform === 'win32' });
process.exit(status ?? 1);
