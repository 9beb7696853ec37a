import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../../core/errors';
import type { OnnxBackend } from './backend';
import { backendName, emit, type Inputs, type Kernel } from './emitters';
import { kernels } from './kernels';
import { fusedKernels } from '../fused/onnx';

/** Registers a kernel on tfjs for the `onnxruntime` backend, and how it is emitted. A later call with the same name replaces it. */
export function defineKernel(kernelName: string, { record, emit: emitter }: Kernel): void {
  if (emitter) emit(kernelName, emitter);
  if (tf.getKernel(kernelName, backendName)) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({ inputs, attrs, backend }) => record(backend as OnnxBackend, inputs as Inputs, attrs ?? {}),
  });
}

/** Registers all kernels, and for what tfjs has and we have not, a kernel that says what to do about it. */
export function defineKernels(): void {
  for (const [name, kernel] of Object.entries({ ...kernels, ...fusedKernels })) defineKernel(name, kernel);
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (tf.getKernel(kernelName, backendName)) continue;
    tf.registerKernel({ kernelName, backendName, kernelFunc: () => missing(kernelName) });
  }
}

const insteads: Readonly<Record<string, string>> = {
  Atan2: 'compose it of tf.atan and tf.where',
  Einsum: 'tf.matMul with tf.transpose and tf.reshape',
  MirrorPad: 'tf.reverse and tf.concat',
  Bincount: 'tf.sum(tf.oneHot(x, size), 0)',
  DenseBincount: 'tf.sum(tf.oneHot(x, size), 0)',
  SparseToDense: 'tf.scatterND',
};

function missing(name: string): never {
  const instead = insteads[name];
  throw new HoldfastError(
    'kernel-missing',
    `The kernel '${name}' is not available on the ${backendName} engine. ` +
      (instead
        ? `Use instead: ${instead}.`
        : "Compute this part on another engine: `await x.data()`, then `await tf.setBackend('cpu')`."),
  );
}
