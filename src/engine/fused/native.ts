import * as tf from '@tensorflow/tfjs';
import type { GradSaveFunc, NamedAttrMap, Tensor } from '@tensorflow/tfjs';
import { backendName } from '../backend/emitters';

/** Whether the engine in use has a fused kernel of that name; looked up at each call, because engines can be switched. */
export const isNative = (kernel: string): boolean =>
  tf.getBackend() === backendName && tf.getKernel(kernel, backendName) !== undefined;

/** Runs a fused kernel with one output. */
export const runNative = (kernel: string, inputs: Record<string, Tensor>, attributes: Record<string, unknown> = {}): Tensor =>
  tf.engine().runKernel<Tensor>(kernel, inputs, attributes as NamedAttrMap);

/** Runs a fused kernel with several outputs. */
export const runNativeAll = (
  kernel: string,
  inputs: Record<string, Tensor>,
  attributes: Record<string, unknown> = {},
): Tensor[] => tf.engine().runKernel<Tensor[]>(kernel, inputs, attributes as NamedAttrMap);

export interface Differentiable {
  /** All that the gradient may be asked for. */
  readonly inputs: readonly Tensor[];
  /** The value, and what the gradient will need: on a lazy engine that costs memory only inside the graph. */
  readonly forward: () => { readonly value: Tensor; readonly saved: Tensor[] };
  /** One gradient per input. What nobody asked for is recorded and then dropped, never computed. */
  readonly gradient: (dy: Tensor, saved: Tensor[]) => Tensor[];
}

/** Puts a computation with its own gradient on the tape. */
export function differentiable({ inputs, forward, gradient }: Differentiable): Tensor {
  const run = (...args: (Tensor | GradSaveFunc)[]) => {
    const { value, saved } = forward();
    (args.at(-1) as GradSaveFunc)(saved);
    return { value, gradFunc: gradient };
  };
  return tf.customGrad(run)(...inputs);
}
