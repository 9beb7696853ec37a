import { nodeModule } from '../../core/nodeModule';

/**
 * The folder of an installed package, found without loading it: seen from this package, then from the program. Node only.
 *
 * @throws Error if it is not installed
 */
export async function folderOf(name: string): Promise<string> {
  return (await find(name)).folder;
}

/**
 * Loads an installed package that bundlers for the browser need not know of. Node only; an ES module from our CommonJS build needs Node 20.19 or 22.12.
 *
 * @throws Error if it is not installed or does not load
 */
export async function importInstalled(name: string): Promise<unknown> {
  const { from } = await find(name);
  const { createRequire } = await nodeModule<typeof import('node:module')>('node:module');
  const require = createRequire(from);
  try {
    return require(name) as unknown;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ESM') throw cause;
    const { pathToFileURL } = await nodeModule<typeof import('node:url')>('node:url');
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ pathToFileURL(require.resolve(name)).href)) as unknown;
  }
}

async function find(name: string): Promise<{ readonly folder: string; readonly from: string }> {
  const [{ existsSync }, { createRequire }, path] = await Promise.all([
    nodeModule<typeof import('node:fs')>('node:fs'),
    nodeModule<typeof import('node:module')>('node:module'),
    nodeModule<typeof import('node:path')>('node:path'),
  ]);
  for (const from of [here(), path.join(process.cwd(), 'index.js')]) {
    // Not by resolving the package: its `exports` may hide its package.json.
    const places = createRequire(from).resolve.paths(name) ?? [];
    const folder = places.map((place) => path.join(place, name)).find((each) => existsSync(path.join(each, 'package.json')));
    if (folder !== undefined) return { folder, from };
  }
  throw new Error(`${name} is not installed`);
}

/** This file: a CommonJS bundle has no import.meta.url, and an ES module no __filename. */
const here = (): string => (typeof __filename === 'string' ? __filename : import.meta.url);
