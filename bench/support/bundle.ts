import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Makes plain JavaScript of bench/peers/NAME.ts, as users run it: neither time nor memory of a TypeScript loader is measured. */
export async function bundled(name: string): Promise<string> {
  const outDir = path.join(root, 'runs', 'bench', name);
  await build({
    entry: { [name]: path.join(root, 'bench', 'peers', `${name}.ts`) },
    outDir,
    format: 'esm',
    target: 'node20',
    // What is imported later stays apart.
    splitting: true,
    skipNodeModulesBundle: true,
    removeNodeProtocol: false,
    outExtension: () => ({ js: '.mjs' }),
    clean: true,
    config: false,
    silent: true,
  });
  return path.join(outDir, `${name}.mjs`);
}
