import { isNode } from '../../core/nodeModule';
import { activate, type Engine, loadBackend } from './engine';
import { folderOf } from './installed';
import { completeKernels } from './wasmKernels';

const name = '@tensorflow/tfjs-backend-wasm';
const what = "tfjs's WebAssembly kernels: for predictions in a browser without WebGPU; slow to train";

export const wasm: Engine = {
  name: 'wasm',
  hint: () => `npm install ${name}`,
  async probe() {
    if (isNode) await folderOf(name);
    return what;
  },
  async start() {
    await loadBackend('wasm', load);
    await activate('wasm');
    completeKernels();
    return what;
  },
};

async function load(): Promise<void> {
  // Inside `try`: bundlers then take the package for an optional one.
  try {
    await import('@tensorflow/tfjs-backend-wasm');
  } catch (cause) {
    throw new Error(`${name} does not load here`, { cause });
  }
}
