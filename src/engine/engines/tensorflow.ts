import * as tf from '@tensorflow/tfjs';
import { activate, type Engine } from './engine';
import { isNode, nodeModule } from '../../core/nodeModule';
import { folderOf, importInstalled } from './installed';

const packages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

/** libtensorflow, where the user has installed it. */
export const tensorflow: Engine = {
  name: 'tensorflow',
  hint: () => 'npm install @tensorflow/tfjs-node-gpu (CUDA 11.2, Node 20) or @tensorflow/tfjs-node',
  async probe() {
    const name = await installed();
    return `libtensorflow through ${name} (found, not loaded)`;
  },
  async start() {
    const before = tf.getBackend();
    const name = tf.findBackendFactory('tensorflow') ? 'tfjs-node' : await installed();
    try {
      // Loading it puts it in use, too.
      if (name !== 'tfjs-node') await importInstalled(name);
      await activate('tensorflow');
    } catch (cause) {
      if (before && tf.getBackend() !== before) await tf.setBackend(before);
      throw cause;
    }
    return `libtensorflow through ${name}`;
  },
};

/** The first of the packages that is there with its binary, which its install script builds or downloads. */
async function installed(): Promise<string> {
  if (!isNode) throw new Error('it runs in Node only');
  let reason: unknown;
  for (const name of packages) {
    try {
      const folder = await folderOf(name);
      const { existsSync } = await nodeModule<typeof import('node:fs')>('node:fs');
      if (existsSync(`${folder}/lib/napi-v8/tfjs_binding.node`)) return name;
      throw new Error(`${name} is installed without its binary: its install script has not run, or failed`);
    } catch (cause) {
      // The one that is installed has more to say than the one that is not.
      if (reason === undefined || !String(cause).includes('is not installed')) reason = cause;
    }
  }
  throw reason instanceof Error ? reason : new Error('not installed');
}
