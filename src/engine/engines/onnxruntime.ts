import { isNode } from '../../core/nodeModule';
import { createOnnxBackend, probeOnnxRuntime } from '../backend';
import { backendName } from '../backend/emitters';
import { activate, type Engine, type StartOptions } from './engine';
import { hasGpuDriver } from './vulkan';

const hints = {
  cpu: 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node koffi (browsers: npm install onnxruntime-web)',
  webgpu: 'a driver for the GPU (on Linux: Vulkan)',
  cuda: 'CUDA 12, cuDNN 9, and npm install onnxruntime-node with its install script, which downloads the provider',
} as const;

/** Our lazy backend: whole steps as ONNX graphs. */
export const onnxruntime: Engine = {
  name: 'onnxruntime',
  hint: ({ device = 'cpu' }) => hints[device],
  probe: () => probeOnnxRuntime(),
  async start({ device, threads, runner }: StartOptions) {
    if (device === 'webgpu' && isNode && !(await hasGpuDriver())) throw new Error('this machine has no Vulkan driver');
    const options = { ...(device && { device }), ...(threads !== undefined && { threads }), ...(runner && { runner }) };
    const backend = await createOnnxBackend(options);
    await activate(backendName);
    return backend.describe();
  },
};
