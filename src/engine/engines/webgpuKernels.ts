import * as tf from '@tensorflow/tfjs';
import { patch } from './patch';

/** WebGPU guarantees eight buffers per shader; one is the output. */
const most = 7;

/** Mends what tfjs's WebGPU backend computes wrongly without saying so. */
export function completeKernels(): void {
  patch('webgpu', 'AddN', addInParts);
  for (const name of ['Cumsum', 'Cumprod']) patch('webgpu', name, turnAround);
}

/** Its own AddN binds all its inputs at once, and computes nothing where there are more than the device can bind. */
const addInParts =
  (own: tf.KernelFunc): tf.KernelFunc =>
  (call) => {
    const add = (inputs: tf.TensorInfo[]): tf.TensorInfo =>
      own({ ...call, inputs: inputs as unknown as tf.NamedTensorInfoMap }) as tf.TensorInfo;
    const [first, ...rest] = Object.values(call.inputs) as [tf.TensorInfo, ...tf.TensorInfo[]];
    let sum = add([first, ...rest.splice(0, most - 1)]);
    while (rest.length > 0) {
      const part = sum;
      sum = add([part, ...rest.splice(0, most - 1)]);
      dispose(call.backend, part);
    }
    return sum;
  };

/** Its own shader of a reversed sum holds the length, its cache key does not: from the second length on the results are wrong. */
const turnAround =
  (own: tf.KernelFunc): tf.KernelFunc =>
  (call) => {
    const { axis, reverse, ...rest } = call.attrs as { axis: number; reverse: boolean };
    if (!reverse) return own(call);
    const flip = (x: tf.TensorInfo): tf.TensorInfo =>
      tf.getKernel('Reverse', 'webgpu').kernelFunc({ ...call, inputs: { x }, attrs: { dims: [axis] } }) as tf.TensorInfo;
    const turned = flip(call.inputs['x'] as tf.TensorInfo);
    const sum = own({ ...call, inputs: { x: turned }, attrs: { ...rest, axis, reverse: false } }) as tf.TensorInfo;
    const result = flip(sum);
    for (const part of [turned, sum]) dispose(call.backend, part);
    return result;
  };

const dispose = (backend: unknown, { dataId }: tf.TensorInfo): void => void (backend as tf.KernelBackend).disposeData(dataId);
