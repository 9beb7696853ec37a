import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { firstLine } from './text';

/** A package as found from a folder, in Node's own order of places. */
export interface PackageFinding {
  readonly name: string;
  readonly installed: boolean;
  readonly version?: string;
  /** Present without an error: loading it worked. */
  readonly error?: string;
}

/** The folder of an installed package, seen from `from` (a file). Not by resolving it: `exports` may hide its package.json. */
export function folderOf(name: string, from: string): string | undefined {
  const places = createRequire(from).resolve.paths(name) ?? [];
  const found = places.map((place) => path.join(place, name)).find((folder) => existsSync(path.join(folder, 'package.json')));
  return found && realpathSync(found);
}

/**
 * Where a package is, in which version, and (unless `load` is false) whether it loads: a native binary may be for another machine.
 *
 * @param places files from which it is looked for; the first that sees it decides
 */
export async function inspectPackage(name: string, places: readonly string[], { load = true } = {}): Promise<PackageFinding> {
  const from = places.find((place) => folderOf(name, place) !== undefined);
  if (from === undefined) return { name, installed: false };
  const { version } = JSON.parse(readFileSync(path.join(folderOf(name, from)!, 'package.json'), 'utf8')) as { version: string };
  if (!load) return { name, installed: true, version };
  try {
    createRequire(from)(name);
    return { name, installed: true, version };
  } catch (error) {
    return { name, installed: true, version, error: firstLine(error) };
  }
}
