import { defineConfig } from 'tsup';

const rooms = ['adversarial', 'crosslingual', 'engine', 'ewc', 'losses', 'prompting'];

export default defineConfig({
  entry: { index: 'src/index.ts', ...Object.fromEntries(rooms.map((room) => [room, `src/${room}/index.ts`])), cli: 'src/cli/main.ts' },
  format: ['esm', 'cjs'],
  dts: true,
  splitting: true,
  clean: true,
  target: 'node20',
  external: [/^@tensorflow\//, /^@xenova\//, 'onnxruntime-node', 'onnxruntime-web', 'koffi', 'tokenizers'],
});
