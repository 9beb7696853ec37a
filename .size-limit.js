// Budgets of each subpath in a browser bundle, minified and brotlied; npm run check fails above them. Peers, and what only Node loads, are not counted.
const native = ['node:*', 'csv-parse', 'koffi', 'tokenizers', 'onnxruntime-node'];

const budget = (name, limit) => ({
  name: name === 'index' ? 'holdfast' : `holdfast/${name}`,
  path: `dist/${name}.js`,
  import: '*',
  limit,
  ignore: native,
  // Chunks that a file imports without a name are there for their order only.
  modifyEsbuildConfig: (config) => ({ ...config, logOverride: { 'ignored-bare-import': 'silent' } }),
});

export default [
  budget('index', '64 kB'),
  budget('adversarial', '8 kB'),
  budget('crosslingual', '15 kB'),
  budget('engine', '25 kB'),
  budget('ewc', '22 kB'),
  budget('losses', '3 kB'),
  budget('prompting', '36 kB'),
];
