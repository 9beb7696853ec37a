import { readFileSync } from 'node:fs';
import { defineConfig, type Options } from 'tsup';

// The one list of what is published is `exports` in package.json: './ewc' is src/ewc/index.ts, '.' is src/index.ts.
const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Record<string, unknown> };
const rooms = Object.keys(exports).flatMap((subpath) => /^\.\/(\w+)$/.exec(subpath)?.[1] ?? []);
const library = { index: 'src/index.ts', ...Object.fromEntries(rooms.map((room) => [room, `src/${room}/index.ts`])) };

const common: Options = {
  // What several subpaths use becomes one chunk, so that they share its state.
  splitting: true,
  target: 'node20',
  // `node:fs` stays `node:fs`: bundlers for the browser can tell it from a package.
  removeNodeProtocol: false,
  external: [/^@tensorflow\//, /^@xenova\//, 'onnxruntime-node', 'onnxruntime-web', 'koffi', 'tokenizers'],
};

export default defineConfig([
  {
    ...common,
    format: 'esm',
    entry: { ...library, cli: 'src/cli/main.ts' },
    // tsup gives TypeScript a `baseUrl`, which version 6 deprecates. The types for `require` are copies (scripts/build.mjs).
    dts: { entry: library, compilerOptions: { ignoreDeprecations: '6.0' } },
  },
  // CommonJS has `__filename` instead; left in place, `import.meta` would be a syntax error.
  { ...common, format: 'cjs', entry: library, define: { 'import.meta.url': 'undefined' } },
]);
