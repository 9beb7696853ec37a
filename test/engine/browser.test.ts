import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** As in a project that has not installed them. (What tokenises in browsers, @xenova/transformers, is needed there.) */
const missing = Object.fromEntries(
  ['onnxruntime-web', '@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-backend-webgpu'].map((name) => [name, 'not-installed']),
);

const bundle = (external: string[], alias: Record<string, string> = {}) =>
  build({
    entryPoints: ['src/index.ts', 'src/engine/index.ts', 'src/ewc/index.ts', 'src/losses/index.ts'].map((file) => root + file),
    absWorkingDir: root,
    bundle: true,
    platform: 'browser',
    format: 'esm',
    splitting: true,
    write: false,
    outdir: 'out',
    metafile: true,
    logLevel: 'silent',
    alias,
    external: ['@tensorflow/tfjs', ...external],
  });

// Whatever needs Node is loaded by a name that bundlers do not see.
test('bundles for browsers, the peer dependencies outside, without a module of Node', async () => {
  const { errors, metafile, outputFiles } = await bundle(['onnxruntime-web', '@xenova/transformers', '@tensorflow/*']);
  expect(errors).toEqual([]);
  const imported = new Set(
    Object.values(metafile.outputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path)),
  );
  expect([...imported].sort()).toEqual([
    '@tensorflow/tfjs',
    '@tensorflow/tfjs-backend-wasm',
    '@tensorflow/tfjs-backend-webgpu',
    '@xenova/transformers',
    'onnxruntime-web',
  ]);
  // Nothing of other packages got in by accident.
  const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/((@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []);
  expect([...new Set(packages)]).toEqual(['seedrandom']);
  expect(outputFiles.map(({ text }) => text).join('\n')).not.toMatch(/from\s*"node:|require\("(node:)?(fs|path|os|crypto)"\)/);
});

test('bundles for browsers where the optional packages are not installed', async () => {
  const { errors } = await bundle(['@xenova/transformers'], missing);
  expect(errors).toEqual([]);
});
