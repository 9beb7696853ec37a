import type * as tf from '@tensorflow/tfjs';
import { patch } from './patch';

/** WebGPU guarantees eight buffers per shader; one is the output. */
const most = 7;

/** tfjs's own AddN binds all its inputs at once, and computes nothing where there are more than the device can bind. */
export function completeKernels(): void {
  patch('webgpu', 'AddN', (own) => (call) => {
    const add = (inputs: tf.TensorInfo[]): tf.TensorInfo =>
      own({ ...call, inputs: inputs as unknown as tf.NamedTensorInfoMap }) as tf.TensorInfo;
    const [first, ...rest] = Object.values(call.inputs) as [tf.TensorInfo, ...tf.TensorInfo[]];
    let sum = add([first, ...rest.splice(0, most - 1)]);
    while (rest.length > 0) {
      const part = sum;
      sum = add([part, ...rest.splice(0, most - 1)]);
      (call.backend as tf.KernelBackend).disposeData(part.dataId);
    }
    return sum;
  });
}
